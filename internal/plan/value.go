package plan

import (
	"encoding/json"
	"fmt"
	"strings"
)

// maxValue is how much of a value is shown on one line, in characters.
const maxValue = 120

// ShortValue is a value of a Field on one line, cut in the middle when it is
// long, so that a changed digest at its end is still seen.
func ShortValue(v any) string {
	text, ok := v.(string)
	if !ok {
		data, err := json.Marshal(v)
		if err != nil {
			return fmt.Sprint(v)
		}
		text = string(data)
	} else if strings.ContainsAny(text, "\n\t") || text == "" {
		text = fmt.Sprintf("%q", text)
	}
	runes := []rune(text)
	if len(runes) <= maxValue {
		return text
	}
	half := (maxValue - 1) / 2
	return string(runes[:half]) + "…" + string(runes[len(runes)-half:])
}
