package seal_test

import (
	"strings"
	"testing"

	"secure-media-cdn/function/seal"

	"github.com/stretchr/testify/assert"
)

func TestPathsOfLinksAndVariants(t *testing.T) {
	hash := strings.Repeat("a_B-", 8)
	longest := "a" + strings.Repeat("-", 22) + "9"
	for path, name := range map[string]string{
		seal.LinkPath(hash): "", seal.VariantPath(hash, "w320"): "w320", seal.VariantPath(hash, seal.Download): "download",
		seal.VariantPath(hash, "a"): "a", seal.VariantPath(hash, longest): longest,
	} {
		gotHash, gotName, ok := seal.ParsePath(path)
		assert.True(t, ok, "%q", path)
		assert.Equal(t, hash, gotHash)
		assert.Equal(t, name, gotName)
	}
	assert.Equal(t, "/images/"+hash+"/w320", seal.VariantPath(hash, "w320"))
}

func TestAnyOtherPathIsRefused(t *testing.T) {
	hash := strings.Repeat("a_B-", 8)
	for _, path := range []string{
		"", "/", "/images/", hash, "/images" + hash, "/images/" + hash[1:], "/images/" + hash + "/", "/Images/" + hash,
		"//images/" + hash, "/images//" + hash, "/images/" + hash + "a", "/images/" + hash + "\n", "/images/" + hash + "?a",
		"/images/" + hash + "//w320", "/images/" + hash + "/w320/", "/images/" + hash + "/w320/a", "/images//w320",
		"/images/w320/" + hash, "/images/" + hash + "/W320", "/images/" + hash + "/3w", "/images/" + hash + "/-w",
		"/images/" + hash + "/w_320", "/images/" + hash + "/w320\n", "/images/" + hash + "/é", "/images/" + hash + "/w%33",
		"/images/" + hash + "/a" + strings.Repeat("b", 24), "/images/" + hash + "/.", "/images/" + hash + "/../w320",
	} {
		gotHash, gotName, ok := seal.ParsePath(path)
		assert.False(t, ok, "%q", path)
		assert.Empty(t, gotHash+gotName, "%q", path)
	}
}
