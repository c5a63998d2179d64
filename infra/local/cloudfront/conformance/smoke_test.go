package conformance

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

const scripts = "../testdata"

func TestAServerThatIsNoCloudFrontFails(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("hello")) }))
	defer s.Close()
	var out strings.Builder
	err := Smoke(scripts, Given{Link: s.URL + "/images/AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"}, &out)
	assert.ErrorContains(t, err, "the deployment does not follow")
	assert.Contains(t, out.String(), "FAIL unknown-link:")
	assert.Contains(t, out.String(), "0 passed")
}

func TestWithoutALiveLinkItSaysWhatItNeeds(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	for link, want := range map[string]string{
		"":                          "make smoke URL=",
		"https://cdn.example.com/":  "make smoke URL=",
		s.URL + "/images/AAECAwQFB": "the link answers 404",
	} {
		assert.ErrorContains(t, Smoke(scripts, Given{Link: link}, &strings.Builder{}), want)
	}
}
