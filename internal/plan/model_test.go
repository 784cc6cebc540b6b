package plan_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/inventory"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/plan"
)

// model is a cluster of ConfigMaps that knows who owns which entry of data,
// by the rules that the tests on the real server confirm.
type model struct {
	objects map[object.Ref]*modelled
	uids    int
}

type modelled struct {
	uid    string
	data   map[string]string
	marks  bool              // our label and annotation are there
	owned  map[string]bool   // entries of data in our entry; nil without one
	others map[string]string // entry of data: the manager that owns it too
}

func cloneOf(m *modelled) *modelled {
	c := *m
	c.data, c.owned, c.others = maps.Clone(m.data), maps.Clone(m.owned), maps.Clone(m.others)
	return &c
}

func texts(m map[string]any) map[string]string {
	out := map[string]string{}
	for k, v := range m {
		out[k], _ = v.(string)
	}
	return out
}

// apply is a forced server-side apply of o over m (nil when absent).
func (c *model) apply(m *modelled, o *object.Object) *modelled {
	data, _ := o.Fields["data"].(map[string]any)
	wanted := texts(data)
	if m == nil {
		c.uids++
		m = &modelled{uid: fmt.Sprint("uid-", c.uids), data: map[string]string{}, others: map[string]string{}}
	}
	m = cloneOf(m)
	for k := range m.owned {
		if _, still := wanted[k]; !still && m.others[k] == "" {
			delete(m.data, k)
		}
	}
	m.owned, m.marks = map[string]bool{}, true
	for k, v := range wanted {
		if m.data[k] != v {
			delete(m.others, k)
		}
		m.data[k], m.owned[k] = v, true
	}
	return m
}

// edit is an update by another manager.
func (m *modelled) edit(manager, key, value string) {
	if m.data[key] == value {
		return
	}
	m.data[key] = value
	m.others[key] = manager
	delete(m.owned, key)
}

func (m *modelled) object(ref object.Ref) *object.Object {
	data := map[string]any{}
	for k, v := range m.data {
		data[k] = v
	}
	meta := map[string]any{"name": ref.Name, "namespace": ref.Namespace, "uid": m.uid, "resourceVersion": "1"}
	o := &object.Object{Fields: map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}}
	var entries []any
	if m.marks {
		o.SetLabel(object.LabelApp, object.AppHash("shop/web"))
		o.SetAnnotation(object.AnnotationOwner, "shop/web")
	}
	if m.owned != nil {
		fields := map[string]any{}
		for k := range m.owned {
			fields["f:"+k] = map[string]any{}
		}
		set := map[string]any{"f:data": fields}
		if m.marks {
			set["f:metadata"] = map[string]any{"f:labels": map[string]any{"f:" + object.LabelApp: map[string]any{}}}
		}
		entries = append(entries, map[string]any{"manager": "tug", "operation": "Apply", "apiVersion": "v1", "fieldsV1": set})
	}
	byManager := map[string]map[string]any{}
	for k, who := range m.others {
		if byManager[who] == nil {
			byManager[who] = map[string]any{}
		}
		byManager[who]["f:"+k] = map[string]any{}
	}
	for _, who := range slices.Sorted(maps.Keys(byManager)) {
		entries = append(entries, map[string]any{"manager": who, "operation": "Update", "apiVersion": "v1", "fieldsV1": map[string]any{"f:data": byManager[who]}})
	}
	meta["managedFields"] = entries
	return o
}

func (c *model) input(t *testing.T, desired []*object.Object, record *inventory.Record) plan.Input {
	t.Helper()
	in := plan.Input{App: "web", Namespace: "shop", Desired: desired, Record: record, Live: map[object.Ref]object.Live{}}
	for ref, m := range c.objects {
		live, err := object.LiveOf(m.object(ref))
		if err != nil {
			t.Fatal(err)
		}
		in.Live[ref] = live
	}
	in.Compared = map[object.Ref]plan.Comparison{}
	for _, ref := range plan.Unclear(in) {
		i := slices.IndexFunc(desired, func(o *object.Object) bool { return o.Ref() == ref })
		in.Compared[ref] = plan.Comparison{
			Live: c.objects[ref].object(ref), Result: c.apply(c.objects[ref], desired[i]).object(ref),
		}
	}
	return in
}

func (c *model) execute(t *testing.T, p *plan.Plan, record *inventory.Record) {
	t.Helper()
	for _, ch := range p.Changes {
		m := c.objects[ch.Ref]
		if ch.UID != "" && (m == nil || m.uid != ch.UID) {
			t.Fatalf("%s %s has the UID %s of another object", ch.Action, ch.Ref, ch.UID)
		}
		switch ch.Action {
		case plan.Delete:
			delete(c.objects, ch.Ref)
			record.Remove(ch.Ref)
		case plan.Drop:
			record.Remove(ch.Ref)
		default:
			c.objects[ch.Ref] = c.apply(m, ch.Desired)
			live, err := object.LiveOf(c.objects[ch.Ref].object(ch.Ref))
			if err != nil {
				t.Fatal(err)
			}
			record.Confirm(inventory.Item{Ref: ch.Ref, Version: "v1", UID: live.UID, Applied: ch.Applied, Entry: object.EntryHash(live.Managers)})
		}
	}
}

func randomDesired(t *testing.T, r *rand.Rand) []*object.Object {
	t.Helper()
	var list []*object.Object
	for i := range 6 {
		if r.IntN(3) == 0 {
			continue
		}
		data := map[string]any{}
		for k := range 3 {
			if r.IntN(2) == 0 {
				data[string(rune('a'+k))] = fmt.Sprint(r.IntN(3))
			}
		}
		list = append(list, &object.Object{Fields: map[string]any{
			"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": fmt.Sprint("c", i)}, "data": data,
		}})
	}
	placed, _, err := plan.Place(list, "shop", "web", builtin)
	if err != nil {
		t.Fatal(err)
	}
	return placed
}

// disturb does what people and crashes do between two deploys.
func (c *model) disturb(r *rand.Rand, record *inventory.Record) {
	for _, ref := range slices.SortedFunc(maps.Keys(c.objects), object.Ref.Compare) {
		m := c.objects[ref]
		if ref.Name == "foreign" {
			continue
		}
		switch r.IntN(8) {
		case 0:
			m.edit("kubectl-edit", string(rune('a'+r.IntN(4))), "by hand")
		case 1:
			delete(c.objects, ref)
		case 2:
			m.marks = false
		case 3:
			record.Confirm(inventory.Item{Ref: ref, Version: "v1"}) // applied, then a crash
			m.marks = true
		case 4:
			m.edit("kubectl-edit", "a", "x")
			m.edit("kubectl-edit", "a", "1")
		}
	}
}

// Whatever happened before, one plan brings the cluster to what the repository
// says, a second one is empty without a comparison, nobody else's object or
// entry changes, and the order of the input does not matter.
func TestPlanConverges(t *testing.T) {
	t.Parallel()
	for seed := range uint64(150) {
		r := rand.New(rand.NewPCG(seed, 1))
		ref := object.Ref{Kind: "ConfigMap", Namespace: "shop", Name: "foreign"}
		foreign := &modelled{uid: "theirs", data: map[string]string{"a": "1"}, others: map[string]string{"a": "helm"}}
		c := &model{objects: map[object.Ref]*modelled{ref: foreign}}
		record := &inventory.Record{}
		for range 4 {
			c.disturb(r, record)
			desired := randomDesired(t, r)
			before := additions(c, record)
			in := c.input(t, desired, record)
			p, err := plan.Compute(in)
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			r.Shuffle(len(in.Desired), func(i, j int) { in.Desired[i], in.Desired[j] = in.Desired[j], in.Desired[i] })
			if again, err := plan.Compute(in); err != nil || again.Hash != p.Hash || !cmp.Equal(lines(p), lines(again)) {
				t.Fatalf("seed %d: another order gives another plan: %v", seed, err)
			}
			c.execute(t, p, record)
			c.check(t, seed, desired, before)
			after := c.input(t, desired, record)
			if len(after.Compared) > 0 {
				t.Fatalf("seed %d: unclear after a deploy: %v", seed, slices.Collect(maps.Keys(after.Compared)))
			}
			if p, err := plan.Compute(after); err != nil || !p.Empty() || p.Kept != len(desired) {
				t.Fatalf("seed %d: second plan %v, %v", seed, lines(p), err)
			}
		}
		if !cmp.Equal(foreign.data, map[string]string{"a": "1"}) || c.objects[ref] != foreign {
			t.Fatalf("seed %d: a foreign object was touched", seed)
		}
	}
}

// additions are the entries of data that others added and we never declared.
func additions(c *model, record *inventory.Record) map[string]string {
	out := map[string]string{}
	for ref, m := range c.objects {
		if v, ok := m.data["d"]; ok {
			if _, recorded := record.Item(ref); recorded {
				out[ref.Name+m.uid] = v
			}
		}
	}
	return out
}

func (c *model) check(t *testing.T, seed uint64, desired []*object.Object, additions map[string]string) {
	t.Helper()
	wanted := map[object.Ref]bool{{Kind: "ConfigMap", Namespace: "shop", Name: "foreign"}: true}
	for _, o := range desired {
		wanted[o.Ref()] = true
		m := c.objects[o.Ref()]
		if m == nil {
			t.Fatalf("seed %d: %s is missing", seed, o.Ref())
		}
		data, _ := o.Fields["data"].(map[string]any)
		for k, v := range texts(data) {
			if m.data[k] != v {
				t.Fatalf("seed %d: %s has %s = %q, want %q", seed, o.Ref(), k, m.data[k], v)
			}
		}
		if v, ok := additions[o.Ref().Name+m.uid]; ok && m.data["d"] != v {
			t.Fatalf("seed %d: an addition to %s is gone", seed, o.Ref())
		}
	}
	for ref, m := range c.objects {
		if !wanted[ref] && m.marks {
			t.Fatalf("seed %d: %s is left", seed, ref)
		}
	}
}

// Statement: a plan's hash covers what is done and nothing else.
func TestPlanHash(t *testing.T) {
	t.Parallel()
	base := func() *state { return newState(t, "a", "b", "c").undeclare("b").add(named("new")) }
	hash := func(change func(s *state)) string {
		s := base()
		change(s)
		return s.compute().Hash
	}
	want := base().compute().Hash
	if len(want) != 32 {
		t.Errorf("hash = %q", want)
	}
	for name, change := range map[string]func(s *state){
		"uid": func(s *state) {
			s.live("b", func(l *object.Live) { l.UID, l.ResourceVersion = "u", "99" }).item("b", func(i *inventory.Item) { i.UID = "u" })
		},
		"record":  func(s *state) { s.in.Record.Head.Epoch = 7 },
		"order":   func(s *state) { slices.Reverse(s.in.Desired) },
		"version": func(s *state) { s.in.ServerVersion = "v1.36.1" },
	} {
		if got := hash(change); got != want {
			t.Errorf("%s changes the hash", name)
		}
	}
	for name, change := range map[string]func(s *state){
		"app":     func(s *state) { s.in.Env = "prod" },
		"object":  func(s *state) { s.add(named("more")) },
		"content": func(s *state) { s.in.Desired[len(s.in.Desired)-1].Fields["data"] = map[string]any{"a": "1"} },
		"action":  func(s *state) { s.in.Others = map[object.Ref]string{s.ref("b"): "shop/api"} },
		"secret":  func(s *state) { s.add("{apiVersion: v1, kind: Secret, metadata: {name: s}, data: {a: YQ==}}") },
	} {
		if got := hash(change); got == want {
			t.Errorf("%s does not change the hash", name)
		}
	}
	one := hash(func(s *state) { s.add("{apiVersion: v1, kind: Secret, metadata: {name: s}, data: {a: YQ==}}") })
	two := hash(func(s *state) { s.add("{apiVersion: v1, kind: Secret, metadata: {name: s}, data: {a: Yg==}}") })
	if one == two {
		t.Error("the value of a Secret does not change the hash")
	}
}

func TestPlanJSONHasNoSecrets(t *testing.T) {
	t.Parallel()
	s := newState(t, "Secret/s")
	desired := s.in.Desired[0]
	desired.Fields["data"] = map[string]any{"a": "c3dvcmRmaXNo"}
	live := full(t, desired, s.in.Live[desired.Ref()])
	live.Fields["data"] = map[string]any{"b": "aHVudGVyMg=="}
	live.SetAnnotation(object.AnnotationLastApplied, `{"data":{"b":"aHVudGVyMg=="}}`)
	result := full(t, desired, s.in.Live[desired.Ref()])
	live.Meta()["managedFields"], result.Meta()["managedFields"] = nil, nil
	s.in.Compared = map[object.Ref]plan.Comparison{desired.Ref(): {Live: live, Result: result}}
	p := s.compute()
	out, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	want := []plan.Field{
		{Path: "data.a", To: "(secret 1)"},
		{Path: "data.b", From: "(secret 2)"},
		{Path: `metadata.annotations["kubectl.kubernetes.io/last-applied-configuration"]`, From: "(secret 3)"},
	}
	if diff := cmp.Diff(want, p.Changes[0].Fields); diff != "" {
		t.Error(diff)
	}
	for _, secret := range []string{"c3dvcmRmaXNo", "aHVudGVyMg", "swordfish", "hunter2"} {
		if strings.Contains(string(out), secret) {
			t.Errorf("JSON has %q: %s", secret, out)
		}
	}
}
