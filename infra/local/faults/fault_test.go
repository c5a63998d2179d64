package faults

import (
	"bytes"
	"fmt"
	"net/http"
	"time"
)

// Fault is one way for a region to answer, or not to.
type Fault func(*call)

// Healthy answers as the engine does.
func Healthy(c *call) { c.forward() }

// Refused ends the connection before the first byte of an answer. All regions share the proxy's port, so this stands
// for a refused connection too: the function is told by the same error, at the same moment.
func Refused(c *call) { c.reset("") }

// ResetMidAnswer ends the connection in the middle of the item.
func ResetMidAnswer(c *call) {
	if body, ok := c.fetch(); ok {
		c.reset(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body[:len(body)/2]))
	}
}

// BlackHole takes the request and never answers.
func BlackHole(c *call) { c.wait(time.Hour) }

// SlowFirstByte answers rightly, long after a viewer's patience ended.
func SlowFirstByte(c *call) {
	if c.wait(1200 * time.Millisecond) {
		c.forward()
	}
}

// SlowTrickle answers rightly, one byte at a time.
func SlowTrickle(c *call) {
	body, ok := c.fetch()
	if !ok {
		return
	}
	c.w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	flush := http.NewResponseController(c.w)
	for i := range body {
		if _, err := c.w.Write(body[i : i+1]); err != nil || flush.Flush() != nil || !c.wait(50*time.Millisecond) {
			return
		}
	}
}

// ServerError is DynamoDB's own failure.
func ServerError(c *call) {
	c.write(http.StatusInternalServerError,
		[]byte(`{"__type":"com.amazon.coral.service#InternalServerError","message":"The request processing has failed `+
			`because of an unknown error, exception or failure."}`))
}

// Throttled is a table that was asked for more than it may give.
func Throttled(c *call) {
	c.write(http.StatusBadRequest,
		[]byte(`{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"The level `+
			`of configured provisioned throughput for the table was exceeded."}`))
}

// WrongTypes gives the item, with a string where a number belongs.
func WrongTypes(c *call) {
	if body, ok := c.fetch(); ok {
		c.write(http.StatusOK, bytes.ReplaceAll(body, []byte(`{"N":`), []byte(`{"S":`)))
	}
}

// TruncatedJSON gives half the item as if it was all.
func TruncatedJSON(c *call) {
	if body, ok := c.fetch(); ok {
		c.write(http.StatusOK, body[:len(body)/2])
	}
}

// ExpiredToken refuses the credentials.
func ExpiredToken(c *call) {
	c.write(http.StatusBadRequest,
		[]byte(`{"__type":"com.amazon.coral.service#ExpiredTokenException","message":"The security token included in the `+
			`request is expired"}`))
}

// ClockSkew is a region whose clock, the right one, is twenty minutes ahead of the function's: it refuses signatures
// that are older than five.
func ClockSkew(c *call) {
	now := time.Now().Add(20 * time.Minute).UTC()
	c.w.Header().Set("Date", now.Format(http.TimeFormat))
	signed, err := time.Parse("20060102T150405Z", c.r.Header.Get("X-Amz-Date"))
	if err != nil || now.Sub(signed).Abs() > 5*time.Minute {
		c.write(http.StatusBadRequest,
			[]byte(`{"__type":"com.amazon.coral.service#InvalidSignatureException","message":"Signature expired"}`))
		return
	}
	if body, ok := c.fetch(); ok {
		c.write(http.StatusOK, body)
	}
}

// Behind is a replica that the write has not reached.
func Behind(c *call) { c.write(http.StatusOK, []byte("{}")) }
