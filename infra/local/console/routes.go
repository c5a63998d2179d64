package console

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"path"
	"strings"
)

//go:embed page
var files embed.FS

var page = template.Must(template.ParseFS(files, "page/index.html"))

// maxBody bounds the JSON that the page sends.
const maxBody = 64 << 10

func (c *Console) routes() {
	c.mux = http.NewServeMux()
	c.mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, Path, http.StatusFound)
	})
	c.mux.HandleFunc("GET "+Path, c.servePage)
	c.mux.HandleFunc("GET "+Path+"/{file}", serveFile)
	for pattern, handler := range map[string]http.HandlerFunc{
		"GET %s/api/stack":        c.serveStack,
		"GET %s/api/news":         c.serveNews,
		"GET %s/api/pictures":     c.servePictures,
		"PUT %s/api/pictures":     c.serveUpload,
		"GET %s/api/thumbnail":    c.serveThumbnail,
		"POST %s/api/links":       c.serveIssue,
		"POST %s/api/revocations": c.serveRevoke,
		"POST %s/api/fetches":     c.serveFetch,
		"POST %s/api/views":       c.serveView,
		"POST %s/api/viewers":     c.serveSignIn,
		"POST %s/api/signouts":    c.serveSignOut,
	} {
		c.mux.HandleFunc(fmt.Sprintf(pattern, Path), handler)
	}
}

func (c *Console) servePage(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = page.Execute(w, map[string]any{ // a browser that went away is no error
		"Token": c.token, "Path": Path, "BaseURL": c.outputs.BaseURL, "Bucket": c.outputs.Bucket,
	})
}

var types = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

func serveFile(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("file")
	body, err := files.ReadFile("page/" + name)
	kind, known := types[path.Ext(name)]
	if err != nil || !known {
		fail(w, http.StatusNotFound, "there is no such file")
		return
	}
	w.Header().Set("Content-Type", kind)
	_, _ = w.Write(body)
}

// fail answers with a sentence for people.
func fail(w http.ResponseWriter, status int, message string) {
	reply(w, status, map[string]string{"error": message})
}

func reply(w http.ResponseWriter, status int, answer any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer) // a browser that went away is no error
}

// readJSON reads a small request, or answers why it cannot.
func readJSON(w http.ResponseWriter, r *http.Request, into any) bool {
	body := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	body.DisallowUnknownFields()
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		fail(w, http.StatusUnsupportedMediaType, "the request must be JSON")
		return false
	}
	if err := body.Decode(into); err != nil {
		var long *http.MaxBytesError
		if errors.As(err, &long) {
			fail(w, http.StatusRequestEntityTooLarge, "the request is too long")
		} else {
			fail(w, http.StatusBadRequest, "the request is not the JSON that was expected")
		}
		return false
	}
	return true
}
