package promote

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Queue joins the processes of one user on one machine that commit to the same
// branch with the same credential: one of them pushes for all that wait, one
// commit per intent, in one push. Alone it changes nothing; where its folder
// cannot be used, every process pushes for itself, which the branch survives.
//
// Each process leaves its intents in a file that it holds the lock of, so that
// those of a process that died are not carried out by others.
type Queue struct {
	// Dir is private to the user, one folder per repository, branch, credential
	// and author.
	Dir string
	// Poll waits a little for the others.
	Poll func(ctx context.Context) error
}

// ticket is a process in the queue.
type ticket struct {
	name string // without ending
	file *os.File
}

// answer is what a leader leaves for another.
type answer struct {
	Result Result
}

// maxQueued bounds what one push carries.
const maxQueued = 1000

// Run carries intents out with direct, which commits those that it is given.
func (q *Queue) Run(ctx context.Context, intents []Intent, direct func(context.Context, []Intent) (Result, error)) (Result, error) {
	mine, err := q.enter(intents)
	if err != nil {
		return direct(ctx, intents)
	}
	defer mine.leave()
	for {
		if r, ok := q.answered(mine); ok {
			return r, nil
		}
		lock, err := os.OpenFile(filepath.Join(q.Dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return direct(ctx, intents)
		}
		if tryLock(lock) {
			defer lock.Close()
			if r, ok := q.answered(mine); ok {
				return r, nil
			}
			return q.lead(ctx, mine, intents, direct)
		}
		_ = lock.Close()
		if err := q.Poll(ctx); err != nil {
			return Result{}, err
		}
	}
}

func (q *Queue) enter(intents []Intent) (*ticket, error) {
	if err := os.MkdirAll(q.Dir, 0o700); err != nil {
		return nil, err
	}
	id := make([]byte, 8)
	_, _ = rand.Read(id) // never fails
	t := &ticket{name: filepath.Join(q.Dir, fmt.Sprintf("%019d-%s", time.Now().UnixNano(), hex.EncodeToString(id)))}
	data, err := json.Marshal(intents)
	if err != nil {
		return nil, err
	}
	// Locked before it has the name that others look for.
	f, err := os.OpenFile(t.name+".new", os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	t.file = f
	if _, err = f.Write(data); err == nil && tryLock(f) {
		err = os.Rename(t.name+".new", t.name+".intents")
	}
	if err != nil {
		t.leave()
		return nil, err
	}
	return t, nil
}

func (t *ticket) leave() {
	for _, ending := range []string{".new", ".intents", ".answer"} {
		_ = os.Remove(t.name + ending)
	}
	_ = t.file.Close()
}

func (q *Queue) answered(t *ticket) (Result, bool) {
	data, err := os.ReadFile(t.name + ".answer")
	if err != nil {
		return Result{}, false
	}
	var a answer
	return a.Result, json.Unmarshal(data, &a) == nil
}

// waiting are the others that are alive, in the order in which they came.
func (q *Queue) waiting(mine *ticket) (names []string, intents [][]Intent) {
	found, err := filepath.Glob(filepath.Join(q.Dir, "*.intents"))
	if err != nil {
		return nil, nil
	}
	slices.Sort(found)
	total := 0
	for _, file := range found {
		name := file[:len(file)-len(".intents")]
		if name == mine.name {
			continue
		}
		list, alive := readTicket(file)
		if total += len(list); alive && len(list) > 0 && total <= maxQueued {
			names, intents = append(names, name), append(intents, list)
		}
	}
	return names, intents
}

// readTicket reads the intents of another process, and removes those of one
// that died.
func readTicket(file string) ([]Intent, bool) {
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		return nil, false // it left
	}
	defer f.Close()
	if tryLock(f) {
		_ = os.Remove(file)
		return nil, false
	}
	var list []Intent
	if json.NewDecoder(f).Decode(&list) != nil {
		return nil, false
	}
	return list, true
}

// lead pushes for all that wait. When that does not work, it pushes its own
// alone: the reason may be somebody else's.
func (q *Queue) lead(ctx context.Context, mine *ticket, own []Intent, direct func(context.Context, []Intent) (Result, error)) (Result, error) {
	names, others := q.waiting(mine)
	if len(names) == 0 {
		return direct(ctx, own)
	}
	all := slices.Clone(own)
	for _, list := range others {
		all = append(all, list...)
	}
	r, err := direct(ctx, all)
	if err != nil {
		return direct(ctx, own)
	}
	at := len(own)
	for i, list := range others {
		part := r
		part.Old, part.New, part.Outcomes = nil, nil, r.Outcomes[at:at+len(list)]
		at += len(list)
		q.answer(names[i], part)
	}
	r.Outcomes = r.Outcomes[:len(own)]
	return r, nil
}

// answer leaves a result. One that cannot be left is found out by its process
// at the branch.
func (q *Queue) answer(name string, r Result) {
	data, err := json.Marshal(answer{r})
	if err != nil {
		return
	}
	temporary := name + ".answer.new"
	if os.WriteFile(temporary, data, 0o600) == nil {
		_ = os.Rename(temporary, name+".answer")
	}
}
