// Package vips calls libvips, a library of C, without cgo: it loads the shared
// library and calls only functions with a fixed number of arguments. Operations
// are called by name, with arguments as text, as libvips' own bindings do.
// https://www.libvips.org/API/current/binding.html
//
// A fault inside the library ends the process.
package vips

import (
	"errors"
	"fmt"
	"strings"
	"unsafe"

	"github.com/ebitengine/purego"
)

// File is the shared library's own name, which carries libvips' version.
const File = "libvips-cpp.so.8.18.7"

// Library is a loaded libvips. It is safe for concurrent use, but for the texts
// of errors, which may then be those of another call.
type Library struct {
	// Version is the library's, like "8.18.7".
	Version string

	symbols
	imageType, blobType, imagesType uintptr
}

// gvalue is GLib's GValue, a variable of any type.
type gvalue struct {
	_ uintptr
	_ [2]uint64
}

// symbols are the library's functions. Handles to its objects are addresses,
// which Go never follows.
type symbols struct {
	setenv         func(name, value string, overwrite int32) int32           `c:"g_setenv"`
	initialise     func(program string) int32                                `c:"vips_init"`
	version        func(part int32) int32                                    `c:"vips_version"`
	setConcurrency func(threads int32)                                       `c:"vips_concurrency_set"`
	setCacheMax    func(operations int32)                                    `c:"vips_cache_set_max"`
	blockUntrusted func(block int32)                                         `c:"vips_block_untrusted_set"`
	blockOperation func(class string, block int32)                           `c:"vips_operation_block_set"`
	errorText      func() string                                             `c:"vips_error_buffer"`
	clearError     func()                                                    `c:"vips_error_clear"`
	newOperation   func(name string) uintptr                                 `c:"vips_operation_new"`
	setArgument    func(object uintptr, name, value string) int32            `c:"vips_object_set_argument_from_string"`
	build          func(operation *uintptr) int32                            `c:"vips_cache_operation_buildp"`
	unrefOutputs   func(object uintptr)                                      `c:"vips_object_unref_outputs"`
	newBlob        func(free uintptr, data unsafe.Pointer, n uint64) uintptr `c:"vips_blob_new"`
	blobData       func(blob uintptr, n *uint64) unsafe.Pointer              `c:"vips_blob_get"`
	newImages      func(images unsafe.Pointer, n int32) uintptr              `c:"vips_array_image_new"`
	unrefArea      func(area uintptr)                                        `c:"vips_area_unref"`
	getImageType   func() uintptr                                            `c:"vips_image_get_type"`
	getBlobType    func() uintptr                                            `c:"vips_blob_get_type"`
	getImagesType  func() uintptr                                            `c:"vips_array_image_get_type"`
	width          func(image uintptr) int32                                 `c:"vips_image_get_width"`
	height         func(image uintptr) int32                                 `c:"vips_image_get_height"`
	bands          func(image uintptr) int32                                 `c:"vips_image_get_bands"`
	bandFormat     func(image uintptr) int32                                 `c:"vips_image_get_format"`
	interpretation func(image uintptr) int32                                 `c:"vips_image_get_interpretation"`
	pages          func(image uintptr) int32                                 `c:"vips_image_get_n_pages"`
	pageHeight     func(image uintptr) int32                                 `c:"vips_image_get_page_height"`
	orientation    func(image uintptr) int32                                 `c:"vips_image_get_orientation"`
	hasAlpha       func(image uintptr) int32                                 `c:"vips_image_hasalpha"`
	typeOf         func(image uintptr, field string) uintptr                 `c:"vips_image_get_typeof"`
	unref          func(object uintptr)                                      `c:"g_object_unref"`
	setProperty    func(object uintptr, name string, v *gvalue)              `c:"g_object_set_property"`
	getProperty    func(object uintptr, name string, v *gvalue)              `c:"g_object_get_property"`
	initValue      func(v *gvalue, kind uintptr) uintptr                     `c:"g_value_init"`
	unsetValue     func(v *gvalue)                                           `c:"g_value_unset"`
	setObject      func(v *gvalue, object uintptr)                           `c:"g_value_set_object"`
	getObject      func(v *gvalue) uintptr                                   `c:"g_value_get_object"`
	setBoxed       func(v *gvalue, boxed uintptr)                            `c:"g_value_set_boxed"`
	getBoxed       func(v *gvalue) uintptr                                   `c:"g_value_get_boxed"`
}

// Open loads the library from path and prepares it for untrusted files: of the
// loaders only the named ones can be reached, whatever a file claims to be.
// One picture uses one thread beside the caller's, and nothing is kept of it.
func Open(path string, loaders ...string) (*Library, error) {
	handle, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return nil, fmt.Errorf("loading libvips: %w", err)
	}
	l := &Library{}
	if err := l.resolve(handle); err != nil {
		return nil, fmt.Errorf("loading libvips: %w", err)
	}
	l.setenv("VIPS_WARNING", "0", 1) // its warnings repeat what a file holds
	if l.initialise("images") != 0 {
		return nil, fmt.Errorf("loading libvips: %w", l.err())
	}
	l.setConcurrency(1)
	l.setCacheMax(0)
	l.blockUntrusted(1)
	l.blockOperation("VipsForeignLoad", 1)
	for _, loader := range loaders {
		l.blockOperation(loader, 0)
	}
	l.imageType, l.blobType, l.imagesType = l.getImageType(), l.getBlobType(), l.getImagesType()
	l.Version = fmt.Sprintf("%d.%d.%d", l.version(0), l.version(1), l.version(2))
	return l, nil
}

// err returns the library's account of what failed, and clears it.
func (l *Library) err() error {
	defer l.clearError()
	return errors.New(strings.ReplaceAll(strings.TrimSpace(l.errorText()), "\n", "; "))
}

// Image is a picture inside the library, or a recipe for one: its pixels are
// made when an operation saves it. The caller closes it.
type Image struct {
	library *Library
	object  uintptr
}

// Close gives the image up. What other images need of it stays.
func (i Image) Close() { i.library.unref(i.object) }

// Width and Height are in pixels; the frames of an animation lie below one
// another, each PageHeight high.
func (i Image) Width() int { return int(i.library.width(i.object)) }

// Height is that of all frames together; see Width.
func (i Image) Height() int { return int(i.library.height(i.object)) }

// PageHeight is the height of one frame.
func (i Image) PageHeight() int { return int(i.library.pageHeight(i.object)) }

// Pages is how many frames the file has, loaded or not.
func (i Image) Pages() int { return int(i.library.pages(i.object)) }

// Bands is how many numbers a pixel has, transparency included.
func (i Image) Bands() int { return int(i.library.bands(i.object)) }

// Orientation is EXIF's, from 1 to 8.
func (i Image) Orientation() int { return int(i.library.orientation(i.object)) }

// HasAlpha reports whether one of the bands is transparency.
func (i Image) HasAlpha() bool { return i.library.hasAlpha(i.object) != 0 }

// Has reports whether the file came with the named metadata.
func (i Image) Has(field string) bool { return i.library.typeOf(i.object, field) != 0 }

// Wide reports whether a band has more than 8 bits.
func (i Image) Wide() bool {
	const unsignedChar, char = 0, 1 // of VipsBandFormat
	f := i.library.bandFormat(i.object)
	return f != unsignedChar && f != char
}

// CMYK reports whether the colours are a printer's.
func (i Image) CMYK() bool {
	const cmyk = 15 // of VipsInterpretation
	return i.library.interpretation(i.object) == cmyk
}
