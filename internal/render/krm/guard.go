package krm

import (
	"fmt"
	"math"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// maxMemory bounds what one program may build, in bytes, all told: Starlark
// counts steps, but one step can make a gigabyte ("x" * 1000000000).
const maxMemory = 256 << 20

// maxRange bounds range(): list(range(n)) is one step.
const maxRange = 1_000_000

// maxNumber bounds the product of two numbers, in bytes: larger ones take
// longer than a step should.
const maxNumber = 64 << 10

// guard counts what a program builds. The rewritten program (see rewrite.go)
// asks it before it does what can make much out of little.
type guard struct {
	left int64
}

// The names by which a rewritten program calls the guard; no program can say
// them.
const (
	callName  = "$call"
	madeName  = "$made"
	addedName = "$added"
)

// operators are the binary operators that build values.
func operators() map[syntax.Token]string {
	return map[syntax.Token]string{syntax.PLUS: "$+", syntax.STAR: "$*", syntax.PERCENT: "$%", syntax.PIPE: "$|"}
}

// names are the guard's functions, and those of the language that it replaces.
func (g *guard) names() starlark.StringDict {
	known := starlark.StringDict{
		callName:  starlark.NewBuiltin(callName, g.call),
		madeName:  starlark.NewBuiltin(madeName, g.made),
		addedName: starlark.NewBuiltin(addedName, g.added),
	}
	for op, name := range operators() {
		known[name] = starlark.NewBuiltin(name, func(_ *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
			if err := g.take(g.cost(op, args[0], args[1])); err != nil {
				return nil, err
			}
			return starlark.Binary(op, args[0], args[1])
		})
	}
	return known
}

// take counts bytes.
func (g *guard) take(n int64) error {
	if n < 0 || n > g.left {
		return fmt.Errorf("the program builds more than %d MiB", maxMemory>>20)
	}
	g.left -= n
	return nil
}

// cost is at least the size of what an operator makes.
func (g *guard) cost(op syntax.Token, x, y starlark.Value) int64 {
	switch op {
	case syntax.STAR:
		if n, ok := y.(starlark.Int); ok {
			return g.repeated(x, n)
		}
		if n, ok := x.(starlark.Int); ok {
			return g.repeated(y, n)
		}
	case syntax.PERCENT:
		if format, ok := x.(starlark.String); ok {
			return int64(len(format)) + times(int64(strings.Count(string(format), "%")), g.weigh(y))
		}
	}
	return size(x) + size(y)
}

// repeated is the size of v n times; of numbers, that of their product.
func (g *guard) repeated(v starlark.Value, n starlark.Int) int64 {
	if _, number := v.(starlark.Int); number {
		if size(v)+size(n) > maxNumber {
			return math.MaxInt64
		}
		return size(v) + size(n)
	}
	count, ok := n.Int64()
	if !ok {
		return math.MaxInt64
	}
	return times(max(count, 0), size(v))
}

// call calls a function, and counts what builtin ones make.
func (g *guard) call(thread *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	f, args := args[0], args[1:]
	b, ok := f.(*starlark.Builtin)
	if !ok {
		return starlark.Call(thread, f, args, kwargs)
	}
	for _, kw := range kwargs {
		if key, bound := kw[1].(*starlark.Builtin); bound && key.Receiver() != nil {
			return nil, fmt.Errorf("%s: %s must be a function of the program", b.Name(), string(kw[0].(starlark.String)))
		}
	}
	if err := g.take(g.foresee(b, args, kwargs)); err != nil {
		return nil, err
	}
	v, err := starlark.Call(thread, f, args, kwargs)
	if err != nil {
		return nil, err
	}
	if r, isRange := v.(starlark.Sequence); isRange && v.Type() == "range" && r.Len() > maxRange {
		return nil, fmt.Errorf("a range of more than %d", maxRange)
	}
	return v, g.take(size(v))
}

// foresee is at least the size of what a builtin makes out of its arguments,
// for those where it is more than their own.
func (g *guard) foresee(b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) int64 {
	receiver, _ := b.Receiver().(starlark.String)
	switch b.Name() {
	case "str", "repr", "print", "fail", "json.encode", "json.encode_indent", "json.indent":
		return g.weighAll(args, kwargs)
	case "format":
		return int64(len(receiver)) + times(int64(strings.Count(string(receiver), "{")), g.weighAll(args, kwargs))
	case "join":
		if len(args) == 1 {
			return g.weighAll(args, nil) + times(int64(starlark.Len(args[0])), int64(len(receiver)))
		}
	case "replace":
		if len(args) >= 2 {
			old, _ := starlark.AsString(args[0])
			return int64(len(receiver)) + times(int64(strings.Count(string(receiver), old)), size(args[1]))
		}
	case "split", "rsplit", "splitlines":
		return times(int64(len(receiver)), slot/2)
	case "json.decode":
		return times(lengths(args), slot)
	case "list", "tuple", "set", "dict", "sorted", "reversed", "zip", "enumerate", "extend", "update":
		return times(lengths(args), slot)
	}
	return 0
}

// lengths is the number of entries of all arguments, those of ranges too.
func lengths(args starlark.Tuple) int64 {
	var total int64
	for _, a := range args {
		total += int64(max(starlark.Len(a), 0))
	}
	return total
}

func (g *guard) weighAll(args starlark.Tuple, kwargs []starlark.Tuple) int64 {
	total := g.weigh(args)
	for _, kw := range kwargs {
		total = min(total+g.weigh(kw[1]), g.left+1)
	}
	return total
}

// made counts a value that was cut out of another.
func (g *guard) made(_ *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
	return args[0], g.take(size(args[0]))
}

// added counts what is added to a value in place.
func (g *guard) added(_ *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
	return args[0], g.take(times(lengths(args), slot))
}

// slot is what an entry of a list or dict takes, about.
const slot = 32

// size is what a value itself takes, without what it holds.
func size(v starlark.Value) int64 {
	switch v := v.(type) {
	case starlark.String:
		return int64(len(v))
	case starlark.Bytes:
		return int64(len(v))
	case starlark.Int:
		return int64(v.BigInt().BitLen()/8) + 1
	case starlark.Sequence:
		if v.Type() == "range" {
			return 1
		}
		return times(int64(v.Len()), slot)
	}
	return 1
}

// weigh is the size of a value with all that it holds, as text would write it:
// what is held twice counts twice. It stops at what is left.
func (g *guard) weigh(v starlark.Value) int64 {
	var total int64
	var add func(v starlark.Value, depth int)
	add = func(v starlark.Value, depth int) {
		if total += size(v) + 1; total > g.left || depth > maxNesting {
			total = g.left + 1
			return
		}
		switch v := v.(type) {
		case *starlark.Dict:
			for _, item := range v.Items() {
				if add(item, depth+1); total > g.left {
					return
				}
			}
		case starlark.Indexable:
			if _, text := v.(starlark.String); text || v.Type() == "bytes" {
				return
			}
			for i := 0; i < v.Len() && total <= g.left; i++ {
				add(v.Index(i), depth+1)
			}
		}
	}
	add(v, 0)
	return total
}

// times multiplies without running over.
func times(a, b int64) int64 {
	if a > 0 && b > math.MaxInt64/a {
		return math.MaxInt64
	}
	return a * b
}
