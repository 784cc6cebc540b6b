package krm

import (
	"fmt"
	"reflect"

	"go.starlark.net/syntax"
)

// rewrite puts calls of the guard into a parsed program: around calls, slices
// and the operators that build values. Meaning and positions stay.
func rewrite(file *syntax.File) (err error) {
	w := &rewriter{operators: operators()}
	w.statements(file.Stmts)
	return w.err
}

type rewriter struct {
	operators map[syntax.Token]string
	err       error
}

func (w *rewriter) statements(list []syntax.Stmt) {
	for _, s := range list {
		w.statement(s)
	}
}

func (w *rewriter) statement(s syntax.Stmt) {
	switch s := s.(type) {
	case *syntax.AssignStmt:
		w.assign(s)
	case *syntax.DefStmt:
		w.params(s.Params)
		w.statements(s.Body)
	case *syntax.ExprStmt:
		s.X = w.expr(s.X)
	case *syntax.ForStmt:
		w.target(s.Vars)
		s.X = w.expr(s.X)
		w.statements(s.Body)
	case *syntax.WhileStmt:
		s.Cond = w.expr(s.Cond)
		w.statements(s.Body)
	case *syntax.IfStmt:
		s.Cond = w.expr(s.Cond)
		w.statements(s.True)
		w.statements(s.False)
	case *syntax.ReturnStmt:
		s.Result = w.expr(s.Result)
	case *syntax.LoadStmt, *syntax.BranchStmt:
	default:
		w.refuse(s, "this statement")
	}
}

// assign guards the operators that come with an assignment. What += adds is
// counted; x *= y becomes x = x * y, which is the same for a name.
func (w *rewriter) assign(s *syntax.AssignStmt) {
	s.RHS = w.expr(s.RHS)
	switch s.Op {
	case syntax.PLUS_EQ, syntax.PIPE_EQ:
		s.RHS = guarded(addedName, s.RHS)
	case syntax.STAR_EQ, syntax.PERCENT_EQ:
		name, ok := s.LHS.(*syntax.Ident)
		if !ok {
			w.refuse(s, s.Op.String()+" on anything but a name")
			return
		}
		op := syntax.STAR
		if s.Op == syntax.PERCENT_EQ {
			op = syntax.PERCENT
		}
		s.Op, s.RHS = syntax.EQ, guarded(w.operators[op], &syntax.Ident{NamePos: name.NamePos, Name: name.Name}, s.RHS)
	}
	w.target(s.LHS)
}

// target rewrites what stands inside the left side of an assignment.
func (w *rewriter) target(e syntax.Expr) {
	switch e := e.(type) {
	case *syntax.IndexExpr:
		e.X, e.Y = w.expr(e.X), w.expr(e.Y)
	case *syntax.DotExpr:
		e.X = w.expr(e.X)
	case *syntax.ParenExpr:
		w.target(e.X)
	case *syntax.TupleExpr:
		for _, x := range e.List {
			w.target(x)
		}
	case *syntax.ListExpr:
		for _, x := range e.List {
			w.target(x)
		}
	}
}

// params rewrites default values.
func (w *rewriter) params(list []syntax.Expr) {
	for _, p := range list {
		if b, ok := p.(*syntax.BinaryExpr); ok {
			b.Y = w.expr(b.Y)
		}
	}
}

func (w *rewriter) all(list []syntax.Expr) {
	for i := range list {
		list[i] = w.expr(list[i])
	}
}

// expr gives the guarded form of an expression.
func (w *rewriter) expr(e syntax.Expr) syntax.Expr {
	switch e := e.(type) {
	case nil, *syntax.Ident, *syntax.Literal:
	case *syntax.BinaryExpr:
		e.X, e.Y = w.expr(e.X), w.expr(e.Y)
		if name, ok := w.operators[e.Op]; ok {
			return guarded(name, e.X, e.Y)
		}
	case *syntax.CallExpr:
		return w.call(e)
	case *syntax.SliceExpr:
		e.X, e.Lo, e.Hi, e.Step = w.expr(e.X), w.expr(e.Lo), w.expr(e.Hi), w.expr(e.Step)
		return guarded(madeName, e)
	case *syntax.Comprehension:
		w.comprehension(e)
	case *syntax.CondExpr:
		e.Cond, e.True, e.False = w.expr(e.Cond), w.expr(e.True), w.expr(e.False)
	case *syntax.DictExpr:
		w.all(e.List)
	case *syntax.DictEntry:
		e.Key, e.Value = w.expr(e.Key), w.expr(e.Value)
	case *syntax.DotExpr:
		e.X = w.expr(e.X)
	case *syntax.IndexExpr:
		e.X, e.Y = w.expr(e.X), w.expr(e.Y)
	case *syntax.LambdaExpr:
		w.params(e.Params)
		e.Body = w.expr(e.Body)
	case *syntax.ListExpr:
		w.all(e.List)
	case *syntax.ParenExpr:
		e.X = w.expr(e.X)
	case *syntax.TupleExpr:
		w.all(e.List)
	case *syntax.UnaryExpr:
		e.X = w.expr(e.X)
	default:
		w.refuse(e, "this expression")
	}
	return e
}

// call makes f(a, k=v) into $call(f, a, k=v).
func (w *rewriter) call(e *syntax.CallExpr) syntax.Expr {
	args := []syntax.Expr{w.expr(e.Fn)}
	for _, a := range e.Args {
		switch a := a.(type) {
		case *syntax.BinaryExpr:
			if a.Op == syntax.EQ {
				a.Y = w.expr(a.Y)
				args = append(args, a)
				continue
			}
			args = append(args, w.expr(a))
		default:
			args = append(args, w.expr(a))
		}
	}
	return &syntax.CallExpr{Fn: &syntax.Ident{NamePos: e.Lparen, Name: callName}, Lparen: e.Lparen, Args: args, Rparen: e.Rparen}
}

func (w *rewriter) comprehension(e *syntax.Comprehension) {
	e.Body = w.expr(e.Body)
	for _, clause := range e.Clauses {
		switch c := clause.(type) {
		case *syntax.ForClause:
			w.target(c.Vars)
			c.X = w.expr(c.X)
		case *syntax.IfClause:
			c.Cond = w.expr(c.Cond)
		}
	}
}

// guarded is a call of the guard in the place of an expression.
func guarded(name string, args ...syntax.Expr) syntax.Expr {
	at, _ := args[0].Span()
	return &syntax.CallExpr{Fn: &syntax.Ident{NamePos: at, Name: name}, Lparen: at, Args: args, Rparen: at}
}

// refuse is for what a later version of the language may bring, too: nothing
// runs without the guard.
func (w *rewriter) refuse(n syntax.Node, what string) {
	if w.err != nil || reflect.ValueOf(n).IsNil() {
		return
	}
	at, _ := n.Span()
	w.err = syntax.Error{Pos: at, Msg: fmt.Sprintf("%s is not supported", what)}
}
