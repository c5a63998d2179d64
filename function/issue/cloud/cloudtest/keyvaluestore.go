package cloudtest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// KeyValueStore is CloudFront's, with one store.
type KeyValueStore struct {
	Entries map[string]string
	// Version is the store's ETag, counted up by each update.
	Version int
	// Padding is added to the size that the store says it has.
	Padding int
	// Interfere, if not nil, runs before each update, as another writer would.
	Interfere func(s *KeyValueStore)

	sorted   []string // the keys, as of the version sortedAt
	sortedAt int
}

func (s *KeyValueStore) size() int {
	n := s.Padding
	for key, value := range s.Entries {
		n += len(key) + len(value)
	}
	return n
}

func (s *KeyValueStore) serve(w http.ResponseWriter, r *http.Request) {
	if s.Entries == nil {
		s.Entries = map[string]string{}
	}
	list := strings.HasSuffix(r.URL.Path, "/keys")
	_, key, one := strings.Cut(r.URL.Path, "/keys/")
	switch {
	case r.Method == http.MethodGet && one:
		s.get(w, key)
	case r.Method == http.MethodGet && list:
		s.list(w, r)
	case r.Method == http.MethodGet:
		s.status(w)
	case r.Method == http.MethodPost && list:
		if s.Interfere != nil {
			s.Interfere(s)
		}
		s.update(w, r)
	default:
		refuse(w, http.StatusNotFound, "ResourceNotFoundException")
	}
}

func (s *KeyValueStore) status(w http.ResponseWriter) {
	w.Header().Set("ETag", strconv.Itoa(s.Version))
	fmt.Fprintf(w, `{"ItemCount":%d,"TotalSizeInBytes":%d,"Created":0,"KvsARN":"arn"}`, len(s.Entries), s.size())
}

func (s *KeyValueStore) get(w http.ResponseWriter, key string) {
	value, found := s.Entries[key]
	if !found {
		refuse(w, http.StatusNotFound, "ResourceNotFoundException")
		return
	}
	fmt.Fprintf(w, `{"ItemCount":%d,"TotalSizeInBytes":%d,"Key":%q,"Value":%q}`, len(s.Entries), s.size(), key, value)
}

type entry struct{ Key, Value string }

func (s *KeyValueStore) list(w http.ResponseWriter, r *http.Request) {
	if s.sorted == nil || s.sortedAt != s.Version {
		s.sorted, s.sortedAt = slices.Sorted(maps.Keys(s.Entries)), s.Version
	}
	limit, err := strconv.Atoi(r.URL.Query().Get("MaxResults"))
	if err != nil || limit < 1 || limit > 50 {
		refuse(w, http.StatusBadRequest, "ValidationException")
		return
	}
	after := r.URL.Query().Get("NextToken")
	page := struct {
		Items     []entry
		NextToken string `json:",omitempty"`
	}{Items: []entry{}}
	from, found := slices.BinarySearch(s.sorted, after)
	if found {
		from++
	}
	for _, key := range s.sorted[from:] {
		if len(page.Items) == limit {
			page.NextToken = page.Items[limit-1].Key
			break
		}
		page.Items = append(page.Items, entry{key, s.Entries[key]})
	}
	_ = json.NewEncoder(w).Encode(page)
}

func (s *KeyValueStore) update(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Puts    []entry
		Deletes []entry
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || len(in.Puts)+len(in.Deletes) > 50 ||
		len(in.Puts)+len(in.Deletes) == 0 {
		refuse(w, http.StatusBadRequest, "ValidationException")
		return
	}
	if r.Header.Get("If-Match") != strconv.Itoa(s.Version) {
		refuse(w, http.StatusConflict, "ConflictException")
		return
	}
	for _, e := range in.Puts {
		s.Entries[e.Key] = e.Value
	}
	for _, e := range in.Deletes {
		delete(s.Entries, e.Key)
	}
	s.Version++
	s.status(w)
}
