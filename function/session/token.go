package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"secure-media-cdn/function/seal"
)

const (
	// maxToken is the most characters that a token may have. 32 audiences with the longest of names fit.
	maxToken = 16 << 10
	// leeway is what the provider's clock may differ from ours.
	leeway = 30 * time.Second
)

// check returns the claims of a good ID token of the provider for our client. Its error is a sentence for whoever sent
// the token, and repeats nothing of it.
// https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation
func (h *Handler) check(ctx context.Context, token string) (map[string]any, error) {
	switch {
	case token == "":
		return nil, problem(CodeBadToken, "the header %s must carry an ID token of the provider", HeaderToken)
	case len(token) > maxToken:
		return nil, problem(CodeBadToken, "the token has more than %d characters", maxToken)
	}
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256, jose.ES256})
	var algorithm *jose.ErrUnexpectedSignatureAlgorithm
	switch {
	case errors.As(err, &algorithm):
		return nil, problem(CodeBadToken, "the token must be signed with RS256 or ES256")
	case err != nil || len(parsed.Headers) != 1:
		return nil, problem(CodeBadToken, "the token is not a signed JWT")
	}
	if err := checkHeader(parsed.Headers[0]); err != nil {
		return nil, err
	}
	key, err := h.provider.key(ctx, parsed.Headers[0].KeyID, parsed.Headers[0].Algorithm)
	switch {
	case errors.Is(err, errUnknownKey):
		return nil, problem(CodeBadToken, "the token is signed with a key that the provider does not publish, or that is "+
			"too weak; if the provider has just changed its keys, try again in some seconds")
	case err != nil:
		return nil, &Error{Code: CodeUnavailable, Message: "the provider's keys cannot be read; try again", cause: err}
	}
	var standard jwt.Claims
	claims := map[string]any{}
	if err := parsed.Claims(key, &standard, &claims); err != nil {
		if errors.Is(err, jose.ErrCryptoFailure) {
			return nil, problem(CodeBadToken, "the token's signature is wrong")
		}
		return nil, problem(CodeBadToken, "the token's claims are not JSON of the right form")
	}
	return claims, h.checkClaims(standard, claims)
}

// checkHeader refuses tokens that are signed by the same keys and are no ID tokens, as access tokens and logout tokens
// are, and extensions that nobody here knows.
// https://www.rfc-editor.org/rfc/rfc8725#section-3.11
func checkHeader(header jose.Header) error {
	if _, ok := header.ExtraHeaders["crit"]; ok {
		return problem(CodeBadToken, "the token's header asks for extensions, which are not supported")
	}
	if kind, ok := header.ExtraHeaders[jose.HeaderType]; ok {
		if text, _ := kind.(string); !strings.EqualFold(text, "JWT") {
			return problem(CodeBadToken, "the token is not an ID token")
		}
	}
	return nil
}

// checkClaims checks what the token says of itself.
func (h *Handler) checkClaims(standard jwt.Claims, claims map[string]any) error {
	azp, hasAZP := claims["azp"]
	err := standard.ValidateWithLeeway(jwt.Expected{
		Issuer: h.config.issuer, AnyAudience: jwt.Audience{h.config.clientID}, Time: h.now(),
	}, leeway)
	switch {
	case errors.Is(err, jwt.ErrInvalidIssuer):
		return problem(CodeBadToken, "the token is of another issuer")
	case errors.Is(err, jwt.ErrInvalidAudience):
		return problem(CodeBadToken, "the token is for another client")
	case hasAZP && azp != h.config.clientID, !hasAZP && len(standard.Audience) > 1:
		return problem(CodeBadToken, "the token is for several clients, or was given to another one")
	case standard.Expiry == nil:
		return problem(CodeBadToken, "the token never expires")
	case errors.Is(err, jwt.ErrExpired):
		return problem(CodeBadToken, "the token has expired")
	case errors.Is(err, jwt.ErrNotValidYet):
		return problem(CodeBadToken, "the token is not valid yet")
	case errors.Is(err, jwt.ErrIssuedInTheFuture):
		return problem(CodeBadToken, "the token is of the future")
	case err != nil:
		return problem(CodeBadToken, "the token's claims are wrong")
	}
	return nil
}

// audiences returns the names in the configured claim that this stack serves with tickets.
func (h *Handler) audiences(claims map[string]any) ([]string, error) {
	list, ok := claims[h.config.claim].([]any)
	if !ok {
		return nil, problem(CodeNoAudience, "the token's claim %s is not a list of audiences", h.config.claim)
	}
	names := []string{}
	for _, entry := range list {
		name, ok := entry.(string)
		if !ok {
			return nil, problem(CodeNoAudience, "the token's claim %s is not a list of names", h.config.claim)
		}
		service, _, _ := strings.Cut(name, "/")
		if seal.CheckAudience(name) == nil && slices.Contains(h.config.services, service) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	switch {
	case len(names) == 0:
		return nil, problem(CodeNoAudience, "the token's claim %s names no audience of this CDN", h.config.claim)
	case len(names) > seal.MaxAudiences:
		return nil, problem(CodeTooManyAudiences, "the token's claim %s names %d audiences; a ticket holds at most %d",
			h.config.claim, len(names), seal.MaxAudiences)
	}
	return names, nil
}

func problem(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}
