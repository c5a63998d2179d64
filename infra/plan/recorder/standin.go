package recorder

import (
	"cmp"
	"context"
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/config"
)

// standIn is the decrypter of one value: whatever is encrypted, it says what
// stands in for it, or that nothing does.
type standIn struct{ key, value string }

var _ config.Decrypter = standIn{}

// decrypter returns what decrypts the value of key: it knows the override, or
// what stands in.
func (o Options) decrypter(key config.Key) config.Decrypter {
	return standIn{key.String(), cmp.Or(o.Config[key.Name()], o.StandIns[key.Name()])}
}

func (s standIn) DecryptValue(context.Context, string) (string, error) {
	if s.value == "" {
		return "", fmt.Errorf("config %s is encrypted, and nothing stands in for it", s.key)
	}
	return s.value, nil
}

func (s standIn) BatchDecrypt(ctx context.Context, all []string) ([]string, error) {
	plain := make([]string, 0, len(all))
	for _, one := range all {
		value, err := s.DecryptValue(ctx, one)
		if err != nil {
			return nil, err
		}
		plain = append(plain, value)
	}
	return plain, nil
}
