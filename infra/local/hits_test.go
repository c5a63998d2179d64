package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	hitConnections = 16
	hitsInARound   = 10_000
)

// BenchmarkHits asks the running stack for its sample, which is in the cache,
// and nginx for the same file: a round of the one, a round of the other, over
// and over. of-nginx is the median of the pairs.
//
// All three are processes of their own; the client does as little as it can, so
// that what it takes of the processors does not make the two look alike.
func BenchmarkHits(b *testing.B) {
	dir := b.TempDir()
	edge := startProgram(b, filepath.Join(dir, "state")).link
	fetch(b, "GET", edge, "Accept-Encoding", "identity") // the miss, with the cache key of the rounds
	sample, err := os.ReadFile("sample.jpg")
	require.NoError(b, err)
	require.NoError(b, os.WriteFile(filepath.Join(dir, "sample.jpg"), sample, 0o644))
	nginx := startNginx(b, dir) + "/sample.jpg"

	sides := []*side{{url: edge, head: "X-Cache: Hit from cloudfront"}, {url: nginx, head: "Server: nginx"}}
	var pairs []float64
	for b.Loop() {
		for _, s := range sides {
			rate, err := s.round(len(sample))
			require.NoError(b, err)
			s.rates = append(s.rates, rate)
		}
		slices.Reverse(sides) // whoever is first has no advantage
		e, n := sides[0], sides[1]
		if e.url != edge {
			e, n = n, e
		}
		pairs = append(pairs, e.rates[len(e.rates)-1]/n.rates[len(n.rates)-1])
	}
	for _, s := range sides {
		name := "nginx/s"
		if s.url == edge {
			name = "edge/s"
		}
		b.ReportMetric(median(s.rates), name)
	}
	b.ReportMetric(median(pairs), "of-nginx")
	b.ReportMetric(0, "ns/op")
}

func median(values []float64) float64 { return slices.Sorted(slices.Values(values))[len(values)/2] }

// side is one of the two servers.
type side struct {
	url   string
	head  string    // what each answer's head must say
	rates []float64 // answers a second
}

// round returns how many answers a second came, all of them right.
func (s *side) round(size int) (float64, error) {
	u, err := url.Parse(s.url)
	if err != nil {
		return 0, err
	}
	request := []byte("GET " + u.Path + " HTTP/1.1\r\nHost: " + u.Host + "\r\n\r\n")
	var all sync.WaitGroup
	var asked atomic.Int64
	errs := make([]error, hitConnections)
	began := time.Now()
	for i := range errs {
		all.Go(func() {
			c, err := net.Dial("tcp", u.Host)
			if err != nil {
				errs[i] = err
				return
			}
			defer c.Close()
			buffer := make([]byte, 64<<10)
			for errs[i] == nil && asked.Add(1) <= hitsInARound {
				errs[i] = s.ask(c, request, buffer, size)
			}
		})
	}
	all.Wait()
	return hitsInARound / time.Since(began).Seconds(), errors.Join(errs...)
}

// ask reads one answer: its head in one piece, as it comes on one machine, and
// as many bytes as the sample has.
func (s *side) ask(c io.ReadWriter, request, buffer []byte, size int) error {
	if _, err := c.Write(request); err != nil {
		return err
	}
	n, err := c.Read(buffer)
	if err != nil {
		return err
	}
	head, body, whole := bytes.Cut(buffer[:n], []byte("\r\n\r\n"))
	if !whole || !bytes.HasPrefix(head, []byte("HTTP/1.1 200 ")) || !bytes.Contains(head, []byte(s.head)) {
		return fmt.Errorf("%s answered %q", s.url, head)
	}
	for left := size - len(body); left > 0; left -= n {
		if n, err = c.Read(buffer); err != nil {
			return err
		}
	}
	return nil
}

// startNginx serves a folder as nginx does it best, and returns its address.
func startNginx(b *testing.B, dir string) string {
	b.Helper()
	path, err := exec.LookPath("nginx")
	if err != nil {
		path = "/usr/sbin/nginx" // where Debian has it, outside of a user's PATH
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	address := l.Addr().String()
	require.NoError(b, l.Close())
	user := ""
	if os.Geteuid() == 0 {
		user = "user root;" // otherwise its workers may not read the folder
	}
	config := user + `
worker_processes auto; daemon off; pid nginx.pid;
events { worker_connections 1024; }
http {
  access_log off; sendfile on; tcp_nopush on; open_file_cache max=100; keepalive_requests 1000000000;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  types { image/jpeg jpg; }
  server { listen ` + address + `; root ` + dir + `; }
}`
	require.NoError(b, os.WriteFile(filepath.Join(dir, "nginx.conf"), []byte(config), 0o644))
	var said bytes.Buffer
	cmd := exec.Command(path, "-p", dir, "-e", "stderr", "-c", filepath.Join(dir, "nginx.conf"))
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		b.Fatalf("This compares with nginx: install Debian's nginx-light, or any nginx (%v)", err)
	}
	b.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	})
	ctx, cancel := context.WithTimeout(b.Context(), 10*time.Second)
	defer cancel()
	for {
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err == nil {
			require.NoError(b, c.Close())
			return "http://" + address
		}
		if ctx.Err() != nil {
			b.Fatalf("nginx does not answer: %s", said.String())
		}
		time.Sleep(10 * time.Millisecond)
	}
}
