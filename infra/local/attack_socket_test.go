package local

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// request is a request without a body, whose connection ends after it.
func request(method, target string, headers ...string) string {
	lines := append([]string{method + " " + target + " HTTP/1.1", "Host: {host}", "Connection: close"}, headers...)
	return strings.Join(lines, "\r\n") + "\r\n\r\n"
}

func get(target string, headers ...string) string { return request("GET", target, headers...) }

// say writes the bytes to the server and returns all that it answers until it ends the connection.
func say(t testing.TB, host, bytes string) []byte {
	t.Helper()
	c, err := net.Dial("tcp", host)
	require.NoError(t, err)
	defer c.Close()
	// Nothing is measured: this only ends a test that would wait for ever.
	require.NoError(t, c.SetDeadline(time.Now().Add(time.Minute)))
	go func() { _, _ = io.WriteString(c, bytes) }() // a server may answer and leave before it has read all
	out, err := io.ReadAll(c)
	if len(out) == 0 {
		require.NoError(t, err)
	}
	return out
}

// answered parses the first answer.
func answered(t testing.TB, method string, raw []byte) reply {
	t.Helper()
	response, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(raw)), &http.Request{Method: method})
	require.NoError(t, err, "no answer: %q", raw)
	body, _ := io.ReadAll(response.Body)
	return reply{response, body}
}
