package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// BenchmarkStart measures a cold start from the exec of the binary: to its
// first poll of the Runtime API, and to its first answer, for which it reads
// the table over TLS, 10 ms away, and checks the certificate against as many
// roots as Lambda's machines have. The event waits already, as in Lambda.
func BenchmarkStart(b *testing.B) {
	binary := filepath.Join(b.TempDir(), "edge")
	build := exec.Command("go", "build", "-tags", "lambda.norpc", "-trimpath", "-ldflags", "-s -w", "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	require.NoError(b, err, string(out))
	w := onEngine(b)
	endpoint, roots := overTLS(b, strings.TrimPrefix(w.url, "http://"))
	env := []string{"SSL_CERT_FILE=" + roots}
	for name, value := range environment(endpoint) {
		env = append(env, name+"="+value)
	}

	var ready, first []time.Duration
	for b.Loop() {
		polled, answered := coldStart(b, binary, w.payload, env)
		ready, first = append(ready, polled), append(first, answered)
	}
	b.ReportMetric(micros(median(ready)), "µs/ready")
	b.ReportMetric(micros(median(first)), "µs/answer")
}

// coldStart starts the binary beside a Runtime API with one event, and returns
// when it polled and when it had answered.
func coldStart(b *testing.B, binary string, payload []byte, env []string) (polled, answered time.Duration) {
	var start time.Time
	done := make(chan string, 1)
	polls := make(chan []byte, 1)
	polls <- payload
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			body, _ := io.ReadAll(r.Body)
			answered = time.Since(start)
			w.WriteHeader(http.StatusAccepted)
			done <- string(body)
			return
		}
		select {
		case event := <-polls:
			polled = time.Since(start)
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", "1")
			w.Header().Set("Lambda-Runtime-Deadline-Ms", "9999999999999")
			_, _ = w.Write(event)
		case <-r.Context().Done():
		}
	}))
	defer api.Close()
	cmd := exec.Command(binary)
	cmd.Env = append([]string{"AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(api.URL, "http://")}, env...)
	start = time.Now()
	require.NoError(b, cmd.Start())
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	select {
	case body := <-done:
		require.Contains(b, body, "/simple-chat/photo.jpg")
	case <-time.After(20 * time.Second):
		b.Fatal("the function did not answer")
	}
	return polled, answered
}

// overTLS serves the address over TLS. It returns the URL, and a file with the
// host's roots and the one that signed the certificate.
func overTLS(b *testing.B, address string) (url, roots string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(b, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(b, err)
	file, err := os.ReadFile("/etc/ssl/certs/ca-certificates.crt")
	require.NoError(b, err)
	roots = filepath.Join(b.TempDir(), "roots.pem")
	file = append(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	require.NoError(b, os.WriteFile(roots, file, 0o600))

	listener, err := tls.Listen("tcp", "127.0.0.1:0",
		&tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}})
	require.NoError(b, err)
	b.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go splice(conn, address)
		}
	}()
	return "https://" + listener.Addr().String(), roots
}

// handshakeDelay is the way to a table in the next country.
const handshakeDelay = 10 * time.Millisecond

func splice(conn net.Conn, address string) {
	defer conn.Close()
	time.Sleep(handshakeDelay)
	to, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer to.Close()
	go func() { _, _ = io.Copy(to, conn); to.Close() }()
	_, _ = io.Copy(conn, to)
}
