package vips

import (
	"fmt"
	"strconv"
	"unsafe"
)

// Operation is a call to libvips that is being put together. Its methods return
// it, and an error shows at the end, in Image or Bytes; one of these two ends
// every operation.
// https://www.libvips.org/API/current/function-list.html
type Operation struct {
	library *Library
	name    string
	object  uintptr
	err     error
}

// Operation starts a call of the named operation.
func (l *Library) Operation(name string) *Operation {
	o := &Operation{library: l, name: name, object: l.newOperation(name)}
	if o.object == 0 {
		o.err = l.err()
	}
	return o
}

// Set gives an argument in libvips' own text form.
func (o *Operation) Set(name, value string) *Operation {
	if o.err == nil && o.library.setArgument(o.object, name, value) != 0 {
		o.err = o.library.err()
	}
	return o
}

// SetInt gives an argument that is a number.
func (o *Operation) SetInt(name string, value int) *Operation {
	return o.Set(name, strconv.Itoa(value))
}

// SetBytes gives an argument that is a file. The library reads data for as long
// as an image lives that came of it, so the caller must have it pinned.
func (o *Operation) SetBytes(name string, data []byte) *Operation {
	l := o.library
	blob := l.newBlob(0, unsafe.Pointer(unsafe.SliceData(data)), uint64(len(data)))
	o.setValue(name, l.blobType, func(v *gvalue) { l.setBoxed(v, blob) })
	l.unrefArea(blob)
	return o
}

// SetImage gives an argument that is an image.
func (o *Operation) SetImage(name string, image Image) *Operation {
	o.setValue(name, o.library.imageType, func(v *gvalue) { o.library.setObject(v, image.object) })
	return o
}

// SetImages gives an argument that is a list of images.
func (o *Operation) SetImages(name string, images []Image) *Operation {
	l := o.library
	objects := make([]uintptr, len(images))
	for n, i := range images {
		objects[n] = i.object
	}
	list := l.newImages(unsafe.Pointer(unsafe.SliceData(objects)), int32(len(objects)))
	o.setValue(name, l.imagesType, func(v *gvalue) { l.setBoxed(v, list) })
	l.unrefArea(list)
	return o
}

func (o *Operation) setValue(name string, kind uintptr, set func(*gvalue)) {
	if o.err != nil {
		return
	}
	var v gvalue
	o.library.initValue(&v, kind)
	set(&v)
	o.library.setProperty(o.object, name, &v)
	o.library.unsetValue(&v)
}

// Image carries the operation out and returns its image.
func (o *Operation) Image() (Image, error) {
	image := Image{library: o.library}
	err := o.run(func() {
		var v gvalue
		o.library.initValue(&v, o.library.imageType)
		o.library.getProperty(o.object, "out", &v)
		image.object = o.library.getObject(&v) // v's reference becomes ours
	})
	return image, err
}

// Bytes carries the operation out and returns a copy of the file that it made.
func (o *Operation) Bytes() (file []byte, err error) {
	err = o.run(func() {
		var v gvalue
		var n uint64
		o.library.initValue(&v, o.library.blobType)
		o.library.getProperty(o.object, "buffer", &v)
		data := o.library.blobData(o.library.getBoxed(&v), &n)
		file = append([]byte(nil), unsafe.Slice((*byte)(data), n)...)
		o.library.unsetValue(&v)
	})
	return file, err
}

func (o *Operation) run(read func()) error {
	l := o.library
	if o.object == 0 {
		return fmt.Errorf("%s: %w", o.name, o.err)
	}
	defer func() {
		l.unrefOutputs(o.object)
		l.unref(o.object)
	}()
	if o.err == nil && l.build(&o.object) != 0 {
		o.err = l.err()
	}
	if o.err != nil {
		return fmt.Errorf("%s: %w", o.name, o.err)
	}
	read()
	return nil
}
