package checks

import "regexp"

// reason is why two judges may differ.
type reason struct {
	about *regexp.Regexp
	why   string
}

func explain(detail string, reasons []reason) string {
	for _, r := range reasons {
		if r.about.MatchString(detail) {
			return r.why
		}
	}
	return ""
}

func because(why, about string) reason { return reason{regexp.MustCompile(about), why} }

// stricter explains what tug refuses and the server accepts.
func stricter(detail string) string { return explain(detail, []reason{}) }

// beyond explains what the server refuses and tug accepts: validation by hand
// in the API server that no schema tells of.
func beyond(detail string) string {
	return explain(detail, []reason{
		because("the kind has no definition in the corpora: tug says schema-missing, an info", `the cluster does not serve kind`),
		because("a definition that is established may not get a broken CA bundle; a new one may", `webhookClientConfig.caBundle`),
	})
}

// notInSchema explains what tug's schema rules refuse and kubeconform accepts.
func notInSchema(detail string) string {
	return explain(detail, []reason{
		because("JSON Schema does not look into text: base64 and quantities", `is not base64|is no quantity`),
		because("a version that is gone has no schema", `^api-`),
	})
}

// onlyConform explains what kubeconform refuses and tug's schema rules accept.
func onlyConform(detail, server string) string { return explain(detail, []reason{}) }
