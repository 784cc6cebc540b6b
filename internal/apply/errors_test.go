package apply

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
)

func TestJoin(t *testing.T) {
	t.Parallel()
	ref := object.Ref{Kind: "ConfigMap", Namespace: "shop", Name: "web"}
	src := object.Source{File: "a.yaml", Line: 3}
	one := about(ref, src, fault.New(fault.Denied, "no").Hint("ask"))
	if got := one.Error(); got != "a.yaml:3: ConfigMap shop/web: no" || !fault.Is(one, fault.Denied) {
		t.Errorf("about gives %q (%s)", got, fault.KindOf(one))
	}
	if again := about(ref, src, one); again.Error() != one.Error() {
		t.Errorf("about repeats itself: %q", again)
	}
	if err := join([]error{nil, errStopped}); err != nil {
		t.Errorf("nothing joined gives %v", err)
	}
	if err := join([]error{errStopped, one}); !errors.Is(err, one) {
		t.Errorf("one joined gives %v", err)
	}
	many := join([]error{errors.New("d"), errors.New("b\nmore"), errors.New("c"), one, errStopped, errors.New("e")})
	want := "5 objects failed:\n  a.yaml:3: ConfigMap shop/web: no\n  b\n  more\n  c\n  and 2 more"
	if diff := cmp.Diff(want, many.Error()); diff != "" {
		t.Error(diff)
	}
	if !fault.Is(many, fault.Denied) || !cmp.Equal(fault.HintsOf(many), []string{"ask"}) {
		t.Errorf("kind %s, hints %q", fault.KindOf(many), fault.HintsOf(many))
	}
}

func TestEachIsBounded(t *testing.T) {
	t.Parallel()
	gate := make(chan struct{}, 3)
	seen := make([]bool, 100)
	each(3, len(seen), func(i int) {
		select {
		case gate <- struct{}{}:
		default:
			t.Error("more than three at once")
			return
		}
		seen[i] = true
		<-gate
	})
	for i, ok := range seen {
		if !ok {
			t.Errorf("%d was left out", i)
		}
	}
}
