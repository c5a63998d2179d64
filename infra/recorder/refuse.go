package recorder

import (
	"context"
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/config"
)

// refuse stands for the decrypter of the named value. The recorder has no
// passphrase and asks for none: a plan must work for a fork's pull request.
type refuse struct{ key string }

var _ config.Decrypter = refuse{}

func (r refuse) DecryptValue(context.Context, string) (string, error) {
	return "", fmt.Errorf("config %s is encrypted: an override must stand in for it", r.key)
}

func (r refuse) BatchDecrypt(ctx context.Context, all []string) ([]string, error) {
	_, err := r.DecryptValue(ctx, "")
	return nil, err
}
