package issuer

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/issue/api"
	"secure-media-cdn/function/issue/cloud/cloudtest"
	"secure-media-cdn/function/mapping"
	"secure-media-cdn/function/mapping/mappingtest"
	"secure-media-cdn/function/seal"
	"secure-media-cdn/function/seal/sealtest"
	"secure-media-cdn/infra/local/engine"
)

const object = "s3://media/simple-chat/a.jpg"

// scenario is something to be done that may be cut short, and how to see that
// doing it again has healed everything.
type scenario struct {
	prepare func(w *world, h *Function)
	event   func(t *testing.T, w *world) json.RawMessage
	healed  func(t *testing.T, w *world, answer string)
	links   int // live ones in the end
	// fewer says that the second time answers less, being left with less to do.
	fewer bool
}

var scenarios = map[string]func() scenario{
	"issue": func() scenario {
		return scenario{
			event: func(t *testing.T, _ *world) json.RawMessage {
				return event(t, "POST", "/links", `{"objects":["`+object+`","s3://media/simple-chat/b.jpg"]}`)
			},
			healed: func(t *testing.T, w *world, answer string) {
				var links api.IssueAnswer
				require.NoError(t, json.Unmarshal([]byte(answer), &links))
				for _, l := range links.Links {
					require.Nil(t, l.Error)
					assert.False(t, w.dead(l.Hash))
				}
			},
			links: 2,
		}
	},
	"issue for an audience": func() scenario {
		return scenario{
			event: func(t *testing.T, _ *world) json.RawMessage {
				return event(t, "POST", "/links", `{"objects":["s3://media/club/a.jpg"],"audience":"club/room-1"}`)
			},
			healed: func(t *testing.T, w *world, answer string) {
				var links api.IssueAnswer
				require.NoError(t, json.Unmarshal([]byte(answer), &links))
				require.Nil(t, links.Links[0].Error)
				assert.Equal(t, "club/room-1", links.Links[0].Audience)
				assert.False(t, w.dead(links.Links[0].Hash))
			},
			links: 1,
		}
	},
	"end a session": func() scenario {
		session, expiresAt := seal.Session{1, 2, 3}, time.Now().Add(time.Hour)
		return scenario{
			event: func(t *testing.T, _ *world) json.RawMessage {
				return event(t, "DELETE", "/viewers/"+sealtest.AudienceKey(t).SessionID(session, expiresAt), "")
			},
			healed: func(t *testing.T, w *world, _ string) {
				assert.Equal(t, fmt.Sprint(expiresAt.Unix()), w.aws.KeyValueStore.Entries[seal.SessionEntry(session)])
				assert.Empty(t, w.aws.CloudFront.Invalidations)
			},
		}
	},
	"issue again": func() scenario {
		var hash string
		return scenario{
			prepare: func(w *world, h *Function) { hash = issued(w.t, h, object) },
			event: func(t *testing.T, _ *world) json.RawMessage {
				return event(t, "POST", "/links", `{"objects":["`+object+`"]}`)
			},
			healed: func(t *testing.T, _ *world, answer string) { assert.Contains(t, answer, hash) },
			links:  1,
		}
	},
	"revoke an object": func() scenario {
		s := revoking(func(t *testing.T, _ string) json.RawMessage {
			return event(t, "POST", "/revocations", `{"objects":["`+object+`"]}`)
		})
		s.fewer = true
		return s
	},
	"revoke a hash": func() scenario {
		return revoking(func(t *testing.T, hash string) json.RawMessage { return event(t, "DELETE", "/links/"+hash, "") })
	},
	"replace in the bucket": func() scenario {
		var hash string
		return scenario{
			prepare: func(w *world, h *Function) {
				hash = issued(w.t, h, object)
				w.aws.Objects["simple-chat/a.jpg"] = "a2"
			},
			event: func(*testing.T, *world) json.RawMessage {
				return changedEvent("ObjectCreated:Put", "simple-chat/a.jpg")
			},
			healed: func(t *testing.T, w *world, _ string) {
				assert.False(t, w.dead(hash))
				require.Len(t, w.aws.CloudFront.Invalidations, 1, "it is paid once, whatever was cut short")
				assert.Equal(t, []string{"/images/" + hash + "*"}, w.aws.CloudFront.Invalidations[0].Paths)
			},
			links: 1,
		}
	},
	"delete from the bucket": func() scenario {
		return revoking(func(*testing.T, string) json.RawMessage {
			return changedEvent("ObjectRemoved:Delete", "simple-chat/a.jpg")
		})
	},
}

func revoking(ask func(t *testing.T, hash string) json.RawMessage) scenario {
	var hash string
	return scenario{
		prepare: func(w *world, h *Function) {
			hash = issued(w.t, h, object)
			issued(w.t, h, "s3://media/simple-chat/b.jpg")
			w.aws.Objects["simple-chat/a.jpg"] = ""
		},
		event: func(t *testing.T, _ *world) json.RawMessage { return ask(t, hash) },
		healed: func(t *testing.T, w *world, _ string) {
			assert.True(t, w.dead(hash))
			assert.Contains(t, w.aws.KeyValueStore.Entries, "r."+hash, "the gate knows")
			assert.Empty(t, w.aws.CloudFront.Invalidations, "which is enough")
			for _, item := range mappingtest.Items(t, w.table) {
				if revoked, ok := item["revoked"].(*types.AttributeValueMemberM); ok {
					assert.Empty(t, revoked.Value, "no note is left")
				}
			}
		},
		links: 1,
	}
}

// Each call of each scenario meets each fault once. Then a new process does
// the same again, and nothing may be lost or half made.
func TestWhateverIsCutShortIsHealedByDoingItAgain(t *testing.T) {
	t.Parallel()
	server := mappingtest.Engine(t)
	for name, open := range scenarios {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calls := play(t, server, open(), nil)
			require.GreaterOrEqual(t, calls, 2)
			for n := 1; n <= calls; n++ {
				for fault, what := range map[cloudtest.Fault]string{
					cloudtest.Refused: "refused", cloudtest.Throttle: "throttled", cloudtest.Lost: "answer lost",
					cloudtest.Killed: "killed",
				} {
					t.Run(fmt.Sprintf("call %d %s", n, what), func(t *testing.T) {
						play(t, server, open(), func(k int) cloudtest.Fault {
							if k == n {
								return fault
							}
							return cloudtest.None
						})
					})
				}
			}
		})
	}
}

// play prepares the scenario, does it with the fault, does it again without,
// and checks everything. It returns how many calls the first time made.
func play(t *testing.T, server *engine.Server, s scenario, fault func(n int) cloudtest.Fault) int {
	w := newWorld(t, server)
	if s.prepare != nil {
		s.prepare(w, w.started())
	}
	asked := s.event(t, w)
	w.aws.Calls = nil
	if fault != nil {
		w.aws.Fault = func(n int, _ *http.Request) cloudtest.Fault { return fault(n) }
	}
	first, firstErr := answerTo(w.start(false), asked)
	calls := len(w.aws.Calls)

	w.aws.Revive()
	again, err := answerTo(w.started(), asked)
	require.NoError(t, err)
	if fault == nil {
		require.NoError(t, firstErr)
	}
	if fault == nil && !s.fewer {
		assert.Equal(t, first, again, "the same call gets the same answer")
	}
	s.healed(t, w, again)
	audit(t, w, s.links)
	return calls
}

// answerTo returns the body of a good answer, or an error.
func answerTo(h *Function, asked json.RawMessage) (string, error) {
	answer, err := h.Handle(invoked(context.Background()), asked)
	if r, ok := answer.(events.LambdaFunctionURLResponse); ok {
		if r.StatusCode != http.StatusOK && r.StatusCode != http.StatusNoContent {
			return r.Body, fmt.Errorf("status %d: %s", r.StatusCode, r.Body)
		}
		return r.Body, nil
	}
	if r, ok := answer.(events.SQSEventResponse); ok && len(r.BatchItemFailures) > 0 {
		return "", fmt.Errorf("%d messages are undone", len(r.BatchItemFailures))
	}
	return "", err
}

// audit reads the table: every live mapping is in its object's record, and
// there are as many as there should be.
func audit(t *testing.T, w *world, links int) {
	t.Helper()
	live := map[string]mapping.Object{}
	var objects []mapping.Object
	for _, item := range mappingtest.Items(t, w.table) {
		key := item["hash"].(*types.AttributeValueMemberS).Value
		o, err := mapping.ParseObject(item["s3_url"].(*types.AttributeValueMemberS).Value)
		require.NoError(t, err)
		if seal.IsHash(key) {
			live[key] = o
		} else if strings.HasPrefix(key, "object#") {
			objects = append(objects, o)
		}
	}
	assert.Len(t, live, links)
	records, err := w.table.Records(context.Background(), objects)
	require.NoError(t, err)
	known := 0
	for _, r := range records {
		for hash := range r.Hashes {
			assert.Equal(t, r.Object, live[hash])
			known++
		}
	}
	assert.Equal(t, len(live), known)
}

// With the SDK's retries, as in production, a fault of one call is not even
// noticed.
func TestOneFailedCallIsTriedAgainAtOnce(t *testing.T) {
	t.Parallel()
	server := mappingtest.Engine(t)
	for name, open := range scenarios {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open()
			w := newWorld(t, server)
			if s.prepare != nil {
				s.prepare(w, w.started())
			}
			w.aws.Calls = nil
			failed := map[string]bool{}
			w.aws.Fault = func(n int, r *http.Request) cloudtest.Fault {
				// The first call of each operation meets a throttle.
				operation := r.URL.Hostname() + r.Method + r.Header.Get("X-Amz-Target")
				if failed[operation] || r.Method == http.MethodHead {
					return cloudtest.None
				}
				failed[operation] = true
				return cloudtest.Throttle
			}
			h := w.start(true)
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			answer, err := h.Handle(invoked(ctx), s.event(t, w))
			require.NoError(t, err)
			body := ""
			if r, ok := answer.(events.LambdaFunctionURLResponse); ok {
				require.Contains(t, []int{http.StatusOK, http.StatusNoContent}, r.StatusCode, r.Body)
				body = r.Body
			}
			assert.NotEmpty(t, failed)
			s.healed(t, w, body)
			audit(t, w, s.links)
		})
	}
}
