package object

import (
	"encoding/json"
	"fmt"
	"time"
)

// EntryHash is the hash of our own entry in managedFields: manager tug,
// operation Apply, no subresource. Time is left out, and the JSON is brought
// into one order first, since reads in JSON and in protobuf differ in it. It
// is "" when there is no such entry.
func EntryHash(entries []ManagerEntry) string {
	for _, e := range entries {
		if e.Manager != Manager || e.Operation != "Apply" || e.Subresource != "" {
			continue
		}
		var fields any
		if json.Unmarshal(e.FieldsV1, &fields) != nil {
			return ""
		}
		data, err := appendJSON(append(make([]byte, 0, 2048), e.APIVersion+"\n"...), fields)
		if err != nil {
			return ""
		}
		return shortSum(data)
	}
	return ""
}

// LiveOf reads the metadata of a full object from a cluster.
func LiveOf(o *Object) (Live, error) {
	data, err := json.Marshal(o.Meta())
	if err != nil {
		return Live{}, fmt.Errorf("metadata of %s: %w", o.Ref(), err)
	}
	var m struct {
		UID               string            `json:"uid"`
		ResourceVersion   string            `json:"resourceVersion"`
		Generation        int64             `json:"generation"`
		Labels            map[string]string `json:"labels"`
		Annotations       map[string]string `json:"annotations"`
		OwnerReferences   []OwnerRef        `json:"ownerReferences"`
		DeletionTimestamp *time.Time        `json:"deletionTimestamp"`
		CreationTimestamp time.Time         `json:"creationTimestamp"`
		Finalizers        []string          `json:"finalizers"`
		ManagedFields     []struct {
			Manager     string          `json:"manager"`
			Operation   string          `json:"operation"`
			Subresource string          `json:"subresource"`
			APIVersion  string          `json:"apiVersion"`
			Time        time.Time       `json:"time"`
			FieldsV1    json.RawMessage `json:"fieldsV1"`
		} `json:"managedFields"`
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return Live{}, fmt.Errorf("metadata of %s: %w", o.Ref(), err)
	}
	live := Live{
		Ref: o.Ref(), Version: o.text("apiVersion"), UID: m.UID, ResourceVersion: m.ResourceVersion,
		Generation: m.Generation, Labels: m.Labels, Annotations: m.Annotations, OwnerRefs: m.OwnerReferences,
		Deleting: m.DeletionTimestamp != nil, Finalizers: m.Finalizers, Created: m.CreationTimestamp,
	}
	for _, e := range m.ManagedFields {
		live.Managers = append(live.Managers, ManagerEntry{
			Manager: e.Manager, Operation: e.Operation, Subresource: e.Subresource,
			APIVersion: e.APIVersion, Time: e.Time, FieldsV1: e.FieldsV1,
		})
	}
	return live, nil
}
