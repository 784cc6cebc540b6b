package helm

import (
	"maps"
	"slices"
	"text/template"
	"time"
	_ "time/tzdata" // zones are the same on every machine, also without a zone database
)

// addDates replaces the date functions that read the clock or the machine's
// time zone. The zone of a render is UTC unless the template names one.
func (r *random) addDates(f template.FuncMap) {
	f["now"] = r.now
	f["date"] = func(layout string, date any) (string, error) { return r.dateInZone(layout, date, "UTC") }
	f["htmlDate"] = func(date any) (string, error) { return r.dateInZone(time.DateOnly, date, "UTC") }
	f["dateInZone"] = r.dateInZone
	f["date_in_zone"] = r.dateInZone
	f["htmlDateInZone"] = func(date any, zone string) (string, error) { return r.dateInZone(time.DateOnly, date, zone) }
	f["ago"] = r.ago
	f["durationRound"] = r.durationRound
	f["toDate"] = func(layout, text string) time.Time {
		t, _ := time.ParseInLocation(layout, text, time.UTC) // a zero time for bad text, as in sprig
		return t
	}
	f["mustToDate"] = func(layout, text string) (time.Time, error) {
		return time.ParseInLocation(layout, text, time.UTC)
	}
}

// now is the generator's time: the clock for a fresh value, the request's time
// where the generator has none.
func (r *random) now() (time.Time, error) {
	text, err := r.value("now", nil, func() (string, error) {
		return time.Now().UTC().Format(time.RFC3339Nano), nil
	})
	if err != nil {
		return time.Time{}, err
	}
	if text != "" {
		return time.Parse(time.RFC3339Nano, text)
	}
	if r.time.IsZero() {
		return time.Unix(0, 0).UTC(), nil
	}
	return r.time.UTC(), nil
}

// moment reads a date argument as sprig does: anything else than a time or
// seconds since 1970 stands for now.
func (r *random) moment(date any) (time.Time, error) {
	switch d := date.(type) {
	case time.Time:
		return d, nil
	case *time.Time:
		if d != nil {
			return *d, nil
		}
	case int64:
		return time.Unix(d, 0), nil
	case int:
		return time.Unix(int64(d), 0), nil
	case int32:
		return time.Unix(int64(d), 0), nil
	}
	return r.now()
}

func (r *random) dateInZone(layout string, date any, zone string) (string, error) {
	t, err := r.moment(date)
	if err != nil {
		return "", err
	}
	loc, err := time.LoadLocation(zone)
	if err != nil || zone == "Local" {
		loc = time.UTC
	}
	return t.In(loc).Format(layout), nil
}

func (r *random) ago(date any) (string, error) {
	t, err := r.moment(date)
	if err != nil {
		return "", err
	}
	now, err := r.now()
	if err != nil {
		return "", err
	}
	return now.Sub(t).Round(time.Second).String(), nil
}

func (r *random) durationRound(duration any) (string, error) {
	round := r.sprig["durationRound"].(func(any) string)
	t, ok := duration.(time.Time)
	if !ok {
		return round(duration), nil
	}
	now, err := r.now()
	if err != nil {
		return "", err
	}
	return round(int64(now.Sub(t))), nil
}

// sortedKeys is sprig's keys, which leaves the order to chance.
func sortedKeys(dicts ...map[string]any) []string {
	found := []string{}
	for _, d := range dicts {
		found = append(found, slices.Sorted(maps.Keys(d))...)
	}
	return found
}

// sortedValues is sprig's values, in the order of the keys.
func sortedValues(dict map[string]any) []any {
	found := []any{}
	for _, key := range slices.Sorted(maps.Keys(dict)) {
		found = append(found, dict[key])
	}
	return found
}
