package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// class is a kind of request.
type class uint8

// The classes, in the order that they are told in.
const (
	hits   class = iota // a link whose picture is cached
	misses              // a link that nobody fetched yet
	ranges              // a part of a cached picture
	forged              // a hash that was never issued
	classes
)

var classNames = [classes]string{"hits", "misses", "ranges", "forged"}

func (c class) String() string { return classNames[c] }

// mix holds the weight of each class.
type mix [classes]int

// parseMix reads weights such as hits=80,forged=20. A class that is not named
// is left out.
func parseMix(text string) (mix, error) {
	var m mix
	total := 0
	seen := map[string]bool{}
	for part := range strings.SplitSeq(text, ",") {
		name, weight, _ := strings.Cut(part, "=")
		n, err := strconv.Atoi(weight)
		if err != nil || n < 0 || n > 1000 || seen[name] {
			return mix{}, fmt.Errorf("%q is not a class and its share, such as hits=80", part)
		}
		seen[name] = true
		c := slices.Index(classNames[:], name)
		if c < 0 {
			return mix{}, fmt.Errorf("there is no class %q; there are %s", name, strings.Join(classNames[:], ", "))
		}
		m[c] = n
		total += n
	}
	if total == 0 {
		return mix{}, errors.New("a mix needs a share above 0")
	}
	return m, nil
}

// counts divides n requests among the classes, as near to the weights as whole
// numbers can be. What is left over goes to the heaviest.
func (m mix) counts(n int) [classes]int {
	var counts [classes]int
	total, heaviest := 0, class(0)
	for c, weight := range m {
		total += weight
		if weight > m[heaviest] {
			heaviest = class(c)
		}
	}
	left := n
	for c, weight := range m {
		counts[c] = n * weight / total
		left -= counts[c]
	}
	counts[heaviest] += left
	return counts
}

// schedule is the order of the requests: shuffled, and the same each time.
func schedule(counts [classes]int) []class {
	var order []class
	for c, n := range counts {
		for range n {
			order = append(order, class(c))
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	r.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	return order
}
