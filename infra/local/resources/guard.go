package resources

import (
	"net"
	"net/http"
	"strings"
)

// onlyLoopback refuses requests that name another host than this machine. A web page whose name was made to lead
// here (DNS rebinding) sends its own name in Host, and no page can choose what its browser sends there.
func onlyLoopback(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			name = strings.Trim(r.Host, "[]")
		}
		if ip := net.ParseIP(name); !isLocalhost(name) && (ip == nil || !ip.IsLoopback()) {
			http.Error(w, "this server answers to 127.0.0.1, localhost and names below it only", http.StatusMisdirectedRequest)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// isLocalhost reports whether a name leads to this machine wherever it is asked for: no DNS can say otherwise.
// https://www.rfc-editor.org/rfc/rfc6761#section-6.3
func isLocalhost(name string) bool {
	return name == "localhost" || strings.HasSuffix(name, ".localhost")
}

// localName is the first of the aliases that is below localhost, "" if none is.
func localName(aliases []string) string {
	for _, alias := range aliases {
		if isLocalhost(alias) && !strings.HasPrefix(alias, "*.") {
			return alias
		}
	}
	return ""
}

// Running reports whether a stack runs with its state in the folder.
func Running(dir string) bool {
	lock, err := claim(dir)
	if err == nil {
		lock.Close()
	}
	return err != nil
}
