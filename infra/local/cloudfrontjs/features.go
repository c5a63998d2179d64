package cloudfrontjs

import "strings"

// The tables below are the documentation's lists of what cloudfront-js-2.0 has,
// with the ES 5.1 members that it leaves out (charCodeAt, toString and the like,
// which its own examples use, and the page calls the runtime ES 5.1 compliant).
// Symbol and what symbols name are left alone: the engine itself needs them.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-javascript-runtime-20.html

// globals are the names that a function may use without declaring them.
// Function and eval are there at CloudFront too, and throw when called.
var globals = words(`
	globalThis undefined NaN Infinity arguments
	decodeURI decodeURIComponent encodeURI encodeURIComponent isFinite isNaN parseFloat parseInt
	Object String Number Boolean Math Date Function RegExp JSON Array Promise Symbol
	ArrayBuffer DataView
	Float32Array Float64Array Int8Array Int16Array Int32Array Uint8Array Uint8ClampedArray Uint16Array Uint32Array
	Error EvalError RangeError ReferenceError SyntaxError TypeError URIError
	Buffer console eval require`)

// notModelled are names that CloudFront has and this package does not.
var notModelled = words(`atob btoa TextDecoder TextEncoder InternalError`)

// members are the properties of built-in objects; a name with ".prototype" is
// what values of that type have. Objects not named here keep all they have.
var members = map[string][]string{
	"Object": words(`create defineProperties defineProperty freeze getOwnPropertyDescriptor
		getOwnPropertyDescriptors getOwnPropertyNames getPrototypeOf isExtensible isFrozen isSealed keys
		preventExtensions seal assign entries values is setPrototypeOf`),
	"Object.prototype": words(`hasOwnProperty isPrototypeOf propertyIsEnumerable toString valueOf toLocaleString`),
	"String":           words(`fromCharCode fromCodePoint`),
	"String.prototype": words(`charAt charCodeAt concat indexOf lastIndexOf localeCompare match replace search slice
		split substr substring toLowerCase toLocaleLowerCase toUpperCase toLocaleUpperCase trim toString valueOf
		codePointAt endsWith includes repeat startsWith padStart padEnd trimStart trimEnd replaceAll`),
	"Number": words(`EPSILON MAX_SAFE_INTEGER MIN_SAFE_INTEGER MAX_VALUE MIN_VALUE NaN NEGATIVE_INFINITY
		POSITIVE_INFINITY isFinite isInteger isNaN isSafeInteger parseInt parseFloat`),
	"Number.prototype": words(`toExponential toFixed toPrecision toString toLocaleString valueOf`),
	"Math": words(`E LN10 LN2 LOG10E LOG2E PI SQRT1_2 SQRT2 abs acos acosh asin asinh atan atan2 atanh cbrt ceil
		clz32 cos cosh exp expm1 floor fround hypot imul log log1p log2 log10 max min pow random round sign sinh sin
		sqrt tan tanh trunc`),
	"Function.prototype": words(`apply bind call toString`),
	"RegExp":             nil,
	"RegExp.prototype":   words(`global ignoreCase multiline source sticky flags exec test toString lastIndex`),
	"JSON":               words(`parse stringify`),
	"Array":              words(`isArray of`),
	"Array.prototype": words(`concat every filter forEach indexOf join lastIndexOf map pop push reduce reduceRight
		reverse shift slice some sort splice unshift toString toLocaleString copyWithin fill find findIndex includes`),
	"TypedArray": words(`from of`),
	"TypedArray.prototype": words(`copyWithin every fill filter find findIndex forEach includes indexOf join
		lastIndexOf map reduce reduceRight reverse some set slice sort subarray toString
		buffer byteLength byteOffset`),
	"ArrayBuffer":           words(`isView`),
	"ArrayBuffer.prototype": words(`slice byteLength`),
	"Promise":               words(`all allSettled any reject resolve race`),
	"Promise.prototype":     words(`catch finally then`),
	"DataView.prototype": words(`getFloat32 getFloat64 getInt16 getInt32 getInt8 getUint16 getUint32 getUint8
		setFloat32 setFloat64 setInt16 setInt32 setInt8 setUint16 setUint32 setUint8 buffer byteLength byteOffset`),
}

func words(list string) []string { return strings.Fields(list) }

// features are the tables as the prelude takes them.
func features() map[string]any {
	return map[string]any{"globals": globals, "members": members}
}
