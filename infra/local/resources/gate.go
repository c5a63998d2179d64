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
	"strconv"
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
	store     *cloudfrontjs.MapStore
	visible   *propagating // the store as the functions see it
	arn       string
	file      string
	// registered are the entries of the program, the link keys.
	registered map[string]string

	mu      sync.Mutex // one update at a time
	version int        // the store's ETag
}

// Limits of a key value store.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html
const (
	maxStoreBytes   = 5 << 20
	maxStoreUpdates = 50
)

func (m *Stack) startGate(context.Context) error {
	m.gate = &gate{functions: map[string]cloudfront.Function{}, store: &cloudfrontjs.MapStore{},
		file: filepath.Join(m.o.Dir, "keyvaluestore.json")}
	stores := m.o.Document.ByType(typeStore)
	if len(stores) > 1 {
		return errors.New("more than one key value store is not implemented")
	}
	if len(stores) == 1 {
		m.gate.arn = text(stores[0], "arn")
		if err := m.gate.load(); err != nil {
			return err
		}
	}
	if err := m.gate.register(m.o.Document); err != nil {
		return err
	}
	m.gate.visible = &propagating{delay: m.o.Propagation, now: time.Now}
	m.gate.visible.Start(m.gate.store.All())
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
		if slices.Contains(in.KeyValueStoreAssociations, m.gate.arn) {
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
	g.store.Update(state.Written)
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
	g.store.Update(entries)
	return g.save()
}

func (g *gate) save() error {
	written := g.store.All()
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
// https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_Operations_Amazon_CloudFront_KeyValueStore.html
func (g *gate) serve(w http.ResponseWriter, r *http.Request) {
	rest := strings.TrimPrefix(r.URL.EscapedPath(), "/key-value-stores/")
	escaped, below, keys := strings.Cut(rest, "/keys")
	key, one := strings.CutPrefix(below, "/")
	arn, err := url.PathUnescape(escaped)
	if err != nil || below != "" && !one || g.arn == "" || arn != g.arn {
		refuseJSON(w, http.StatusNotFound, "ResourceNotFoundException")
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case r.Method == http.MethodGet && one:
		g.get(w, key)
	case one:
		refuseJSON(w, http.StatusBadRequest, "ValidationException")
	case r.Method == http.MethodGet && keys:
		g.list(w, r)
	case r.Method == http.MethodGet:
		g.describe(w)
	case r.Method == http.MethodPost && keys:
		g.update(w, r)
	default:
		refuseJSON(w, http.StatusBadRequest, "ValidationException")
	}
}

func (g *gate) size() (size int) {
	for key, value := range g.store.All() {
		size += len(key) + len(value)
	}
	return size
}

func (g *gate) describe(w http.ResponseWriter) {
	w.Header().Set("ETag", strconv.Itoa(g.version))
	_ = json.NewEncoder(w).Encode(map[string]any{
		"ItemCount": len(g.store.All()), "TotalSizeInBytes": g.size(), "KvsARN": g.arn, "Created": 0, "Status": "READY",
	})
}

func (g *gate) get(w http.ResponseWriter, escaped string) {
	key, err := url.PathUnescape(escaped)
	value, found := g.store.Get(key)
	if err != nil || !found {
		refuseJSON(w, http.StatusNotFound, "ResourceNotFoundException")
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{
		"Key": key, "Value": value, "ItemCount": len(g.store.All()), "TotalSizeInBytes": g.size(),
	})
}

type entry struct{ Key, Value string }

func (g *gate) list(w http.ResponseWriter, r *http.Request) {
	limit, err := strconv.Atoi(r.URL.Query().Get("MaxResults"))
	if err != nil || limit < 1 || limit > maxStoreUpdates {
		limit = 10
	}
	var page struct {
		Items     []entry
		NextToken string `json:",omitempty"`
	}
	after, all := r.URL.Query().Get("NextToken"), g.store.All()
	for _, key := range slices.Sorted(maps.Keys(all)) {
		if key <= after && after != "" {
			continue
		}
		if len(page.Items) == limit {
			page.NextToken = page.Items[limit-1].Key
			break
		}
		page.Items = append(page.Items, entry{key, all[key]})
	}
	_ = json.NewEncoder(w).Encode(page)
}

func (g *gate) update(w http.ResponseWriter, r *http.Request) {
	var in struct{ Puts, Deletes []entry }
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxPayload)).Decode(&in)
	if n := len(in.Puts) + len(in.Deletes); err != nil || n == 0 || n > maxStoreUpdates {
		refuseJSON(w, http.StatusBadRequest, "ValidationException")
		return
	}
	if r.Header.Get("If-Match") != strconv.Itoa(g.version) {
		refuseJSON(w, http.StatusConflict, "ConflictException")
		return
	}
	puts, grows := map[string]string{}, 0
	for _, e := range in.Puts {
		puts[e.Key] = e.Value
		grows += len(e.Key) + len(e.Value)
	}
	if g.size()+grows > maxStoreBytes {
		refuseJSON(w, http.StatusBadRequest, "ServiceQuotaExceededException")
		return
	}
	deletes := make([]string, 0, len(in.Deletes))
	for _, e := range in.Deletes {
		deletes = append(deletes, e.Key)
	}
	g.store.Update(puts, deletes...)
	g.visible.Update(puts, deletes...)
	g.version++
	if err := g.save(); err != nil {
		refuseJSON(w, http.StatusInternalServerError, "InternalServerException")
		return
	}
	g.describe(w)
}
