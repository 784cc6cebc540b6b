package metrics

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// contentType is that of the text format.
const contentType = "text/plain; version=0.0.4; charset=utf-8"

// ServeHTTP implements http.Handler.
func (r *Registry) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if req.Method != http.MethodGet && req.Method != http.MethodHead {
		http.Error(w, "only GET", http.StatusMethodNotAllowed)
		return
	}
	w.Header().Set("Content-Type", contentType)
	_ = r.Write(w) // the reader is gone
}

// Write writes all series in the text format, in a stable order.
func (r *Registry) Write(w io.Writer) error {
	var b bytes.Buffer
	for _, f := range r.families {
		f.write(&b)
	}
	_, err := w.Write(b.Bytes())
	return err
}

func (f *family) write(b *bytes.Buffer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	b.WriteString("# HELP " + f.Name + " " + escape(f.Help, false) + "\n# TYPE " + f.Name + " " + string(f.Kind) + "\n")
	for _, key := range slices.Sorted(maps.Keys(f.series)) {
		s := f.series[key]
		if f.Kind != HistogramKind {
			line(b, f.Name, f.Labels, s.labels, "", s.value)
			continue
		}
		var below uint64
		for i, bound := range f.Buckets {
			below += s.within[i]
			line(b, f.Name+"_bucket", f.Labels, s.labels, number(bound), float64(below))
		}
		line(b, f.Name+"_bucket", f.Labels, s.labels, "+Inf", float64(s.count))
		line(b, f.Name+"_sum", f.Labels, s.labels, "", s.value)
		line(b, f.Name+"_count", f.Labels, s.labels, "", float64(s.count))
	}
}

// line writes one sample; bound is the label le, if any.
func line(b *bytes.Buffer, name string, names, values []string, bound string, v float64) {
	var pairs []string
	for i, n := range names {
		pairs = append(pairs, n+`="`+escape(values[i], true)+`"`)
	}
	if bound != "" {
		pairs = append(pairs, `le="`+bound+`"`)
	}
	b.WriteString(name)
	if pairs != nil {
		b.WriteString("{" + strings.Join(pairs, ",") + "}")
	}
	b.WriteString(" " + number(v) + "\n")
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// escape is the escaping of the text format; quotes are escaped in labels.
func escape(text string, quotes bool) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	text = strings.NewReplacer(`\`, `\\`, "\n", `\n`).Replace(text)
	if quotes {
		text = strings.ReplaceAll(text, `"`, `\"`)
	}
	return text
}
