package cloudfrontjs

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Limits of a key value store.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html
const (
	maxStoreBytes   = 5 << 20
	maxStoreChanges = 50 // of one call
	maxStoreCall    = 3 << 20
)

// StoreAPI answers the calls of one KeyValueStore's API, a call at a time.
// Signatures are not checked.
// https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_Operations_Amazon_CloudFront_KeyValueStore.html
type StoreAPI struct {
	ARN     string
	Entries map[string]string
	// Version is the store's ETag, counted up by each update.
	Version int
	// Padding is added to the size that the store says it has.
	Padding int
	// Interfere, if not nil, runs before each update, as another writer would.
	Interfere func(*StoreAPI)
	// Updated, if not nil, is told of each update. The caller is told of its error.
	Updated func(puts map[string]string, deletes []string) error
}

// ServeHTTP answers one call, whose path begins with the store's own.
func (s *StoreAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, below, keys := strings.Cut(r.URL.EscapedPath(), "/keys")
	escaped, one := strings.CutPrefix(below, "/")
	switch {
	case r.Method == http.MethodGet && one:
		s.get(w, escaped)
	case r.Method == http.MethodGet && keys:
		s.list(w, r.URL.Query())
	case r.Method == http.MethodGet:
		s.describe(w)
	case r.Method == http.MethodPost && keys && !one:
		if s.Interfere != nil {
			s.Interfere(s)
		}
		s.update(w, r)
	default:
		Refuse(w, http.StatusBadRequest, "ValidationException")
	}
}

// Refuse answers an error as the JSON services of AWS write it.
func Refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("X-Amzn-Errortype", code)
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"__type":%q}`, code)
}

func (s *StoreAPI) size() int {
	size := s.Padding
	for key, value := range s.Entries {
		size += len(key) + len(value)
	}
	return size
}

func (s *StoreAPI) describe(w http.ResponseWriter) {
	w.Header().Set("ETag", strconv.Itoa(s.Version))
	_ = json.NewEncoder(w).Encode(map[string]any{
		"ItemCount": len(s.Entries), "TotalSizeInBytes": s.size(), "KvsARN": s.ARN, "Created": 0, "Status": "READY",
	})
}

func (s *StoreAPI) get(w http.ResponseWriter, escaped string) {
	key, err := url.PathUnescape(escaped)
	value, found := s.Entries[key]
	if err != nil || !found {
		Refuse(w, http.StatusNotFound, "ResourceNotFoundException")
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{
		"Key": key, "Value": value, "ItemCount": len(s.Entries), "TotalSizeInBytes": s.size(),
	})
}

type entry struct{ Key, Value string }

func (s *StoreAPI) list(w http.ResponseWriter, query url.Values) {
	limit := 10
	if text := query.Get("MaxResults"); text != "" {
		limit, _ = strconv.Atoi(text)
	}
	if limit < 1 || limit > maxStoreChanges {
		Refuse(w, http.StatusBadRequest, "ValidationException")
		return
	}
	var page struct {
		Items     []entry
		NextToken string `json:",omitempty"`
	}
	for _, key := range slices.Sorted(maps.Keys(s.Entries)) {
		if after := query.Get("NextToken"); key <= after && after != "" {
			continue
		}
		if len(page.Items) == limit {
			page.NextToken = page.Items[limit-1].Key
			break
		}
		page.Items = append(page.Items, entry{key, s.Entries[key]})
	}
	_ = json.NewEncoder(w).Encode(page)
}

func (s *StoreAPI) update(w http.ResponseWriter, r *http.Request) {
	var in struct{ Puts, Deletes []entry }
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxStoreCall)).Decode(&in)
	if n := len(in.Puts) + len(in.Deletes); err != nil || n == 0 || n > maxStoreChanges {
		Refuse(w, http.StatusBadRequest, "ValidationException")
		return
	}
	if r.Header.Get("If-Match") != strconv.Itoa(s.Version) {
		Refuse(w, http.StatusConflict, "ConflictException")
		return
	}
	puts, deletes, size := map[string]string{}, []string(nil), s.size()
	for _, e := range in.Puts {
		puts[e.Key] = e.Value
		size += len(e.Key) + len(e.Value)
	}
	for _, e := range in.Deletes {
		deletes = append(deletes, e.Key)
	}
	if size > maxStoreBytes {
		Refuse(w, http.StatusBadRequest, "ServiceQuotaExceededException")
		return
	}
	if s.Entries == nil {
		s.Entries = map[string]string{}
	}
	maps.Copy(s.Entries, puts)
	for _, key := range deletes {
		delete(s.Entries, key)
	}
	s.Version++
	if s.Updated != nil {
		if err := s.Updated(puts, deletes); err != nil {
			Refuse(w, http.StatusInternalServerError, "InternalServerException")
			return
		}
	}
	s.describe(w)
}
