package resources

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"secure-media-cdn/infra/local/cloudfront"
	"secure-media-cdn/infra/local/cloudfrontjs"
	"secure-media-cdn/infra/plan"
)

// gate is the CloudFront Functions, and the one key value store that they may
// have. Its entries survive a restart, since links and revocations must.
type gate struct {
	functions map[string]cloudfront.Function // by ARN
	store     cloudfrontjs.StoreAPI
	visible   *propagating // the store as the functions see it
	file      string
	// registered are the entries of the program, the link keys.
	registered map[string]string

	mu sync.Mutex // one call to the store at a time
}

func (m *Stack) startGate(context.Context) error {
	m.gate = &gate{functions: map[string]cloudfront.Function{}, file: filepath.Join(m.o.Dir, "keyvaluestore.json")}
	stores := m.o.Document.ByType(typeStore)
	if len(stores) > 1 {
		return errors.New("more than one key value store is not implemented")
	}
	if len(stores) == 1 {
		m.gate.store.ARN = text(stores[0], "arn")
		if err := m.gate.load(); err != nil {
			return err
		}
	}
	if err := m.gate.register(m.o.Document); err != nil {
		return err
	}
	m.gate.visible = &propagating{delay: m.o.Propagation, now: time.Now}
	m.gate.visible.Start(m.gate.store.Entries)
	m.gate.store.Updated = func(puts map[string]string, deletes []string) error {
		m.gate.visible.Update(puts, deletes...)
		return m.gate.save()
	}
	for _, r := range m.o.Document.ByType(typeGate) {
		var in struct {
			Code                      string
			KeyValueStoreAssociations []string
			Name, Runtime             string
			Publish                   bool
		}
		if err := decode(r, &in); err != nil {
			return err
		}
		if in.Runtime != "cloudfront-js-2.0" || !in.Publish {
			return fmt.Errorf("CloudFront function %s: property runtime or publish: only a published function on "+
				"cloudfront-js-2.0 is implemented", r.Name)
		}
		var store cloudfrontjs.KeyValueStore
		if slices.Contains(in.KeyValueStoreAssociations, m.gate.store.ARN) {
			store = m.gate.visible
		}
		f, err := cloudfrontjs.New(in.Code, store, cloudfrontjs.WithLog(m.o.Log))
		if err != nil {
			return fmt.Errorf("CloudFront function %s: %w", r.Name, err)
		}
		m.gate.functions[text(r, "arn")] = f
	}
	return nil
}

// storeState is what the state folder keeps of the store. It holds keys, so
// nobody else may read it.
type storeState struct {
	// Registered are the program's entries, Written those of the issuer.
	Registered, Written map[string]string
}

func (g *gate) load() error {
	data, err := os.ReadFile(g.file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("the key value store: %w", err)
	}
	var state storeState
	if err := json.Unmarshal(data, &state); err != nil {
		return fmt.Errorf("the key value store's file %s cannot be read: start afresh with CLEAN=1 (%w)", g.file, err)
	}
	g.registered = state.Registered
	g.store.Entries = state.Written
	return nil
}

// register does to the program's entries what `pulumi up` would: new ones are
// made, those that ignore changes of their value keep it, and those that are
// registered no more go. What the issuer wrote stays.
func (g *gate) register(d *plan.Document) error {
	entries := map[string]string{}
	for _, r := range d.ByType(typeStoreKey) {
		var in struct{ Key, KeyValueStoreArn, Value string }
		if err := decode(r, &in); err != nil {
			return err
		}
		if before, ok := g.registered[in.Key]; ok && slices.Contains(r.Options.IgnoreChanges, "value") {
			in.Value = before
		}
		entries[in.Key] = in.Value
	}
	g.registered = entries
	if g.store.Entries == nil {
		g.store.Entries = map[string]string{}
	}
	maps.Copy(g.store.Entries, entries)
	return g.save()
}

func (g *gate) save() error {
	written := maps.Clone(g.store.Entries)
	maps.DeleteFunc(written, func(key, _ string) bool { _, ok := g.registered[key]; return ok })
	data, err := json.Marshal(storeState{g.registered, written})
	if err != nil {
		return err
	}
	tmp := g.file + ".new"
	if err := os.WriteFile(tmp, data, 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, g.file)
}

// serve answers the calls that the issuer makes to the store. They are signed
// with Signature Version 4A, which is not checked here: what a caller could do
// is to refuse links, or to allow what the issuer had revoked on this machine.
func (g *gate) serve(w http.ResponseWriter, r *http.Request) {
	rest := strings.TrimPrefix(r.URL.EscapedPath(), "/key-value-stores/")
	escaped, _, _ := strings.Cut(rest, "/")
	arn, err := url.PathUnescape(escaped)
	if err != nil || g.store.ARN == "" || arn != g.store.ARN {
		cloudfrontjs.Refuse(w, http.StatusNotFound, "ResourceNotFoundException")
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.store.ServeHTTP(w, r)
}
