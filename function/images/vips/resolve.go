package vips

import (
	"fmt"
	"reflect"
	"unsafe"

	"github.com/ebitengine/purego"
)

// resolve looks up every symbol by the name in its tag.
func (l *Library) resolve(handle uintptr) error {
	table := reflect.ValueOf(&l.symbols).Elem()
	for i := range table.NumField() {
		field := table.Type().Field(i)
		name := field.Tag.Get("c")
		address, err := purego.Dlsym(handle, name)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		// The fields are not exported, so their addresses are taken as they are.
		function := reflect.NewAt(field.Type, unsafe.Pointer(table.Field(i).UnsafeAddr()))
		purego.RegisterFunc(function.Interface(), address)
	}
	return nil
}
