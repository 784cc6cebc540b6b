package object

import (
	"encoding/json"
	"testing"
)

func FuzzAppendJSON(f *testing.F) {
	for _, seed := range []string{
		`{"b":[1,2.5,null,true,{"x":"<&>\u2028é\n\""}],"a":{},"c":[],"k:{\"name\":\"web\"}":{".":{}}}`,
		`[]`, `"x"`, `12345678901234567890`, `{"":{"":""}}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var v any
		if json.Unmarshal([]byte(text), &v) != nil {
			return
		}
		want, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		got, err := appendJSON(nil, v)
		if err != nil || string(got) != string(want) {
			t.Errorf("got %s, %v; want %s", got, err, want)
		}
	})
}

func TestAppendJSONShapes(t *testing.T) {
	t.Parallel()
	v := map[string]any{
		"int": int64(-7), "number": json.Number("1.50"), "nil map": map[string]any(nil), "nil list": []any(nil), "f": 1e21,
	}
	want, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := appendJSON(nil, v); err != nil || string(got) != string(want) {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
	if _, err := appendJSON(nil, []any{json.Number("x")}); err == nil {
		t.Error("an invalid number has no error")
	}
}
