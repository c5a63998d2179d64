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
		if ip := net.ParseIP(name); name != "localhost" && (ip == nil || !ip.IsLoopback()) {
			http.Error(w, "this server answers to 127.0.0.1 and localhost only", http.StatusMisdirectedRequest)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// Running reports whether a stack runs with its state in the folder.
func Running(dir string) bool {
	lock, err := claim(dir)
	if err == nil {
		lock.Close()
	}
	return err != nil
}
