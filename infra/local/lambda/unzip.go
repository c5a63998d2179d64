package lambda

import (
	"archive/zip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

// maxUnzipped is Lambda's limit on an unzipped bundle.
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const maxUnzipped = 250 << 20

// unzip unpacks the bundle below dir with the modes it names, since a bundle whose program cannot be executed must
// fail here as it would in AWS. Names that lead out of dir, and anything but files and folders, are refused.
func unzip(bundle, dir string) error {
	archive, err := zip.OpenReader(bundle)
	if err != nil {
		return fmt.Errorf("opening bundle %s: %w", bundle, err)
	}
	defer archive.Close()
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("unzipping %s: %w", bundle, err)
	}
	defer root.Close()
	left := int64(maxUnzipped)
	for _, f := range archive.File {
		n, err := extract(root, f, left)
		if err != nil {
			return fmt.Errorf("unzipping %s from %s: %w", f.Name, bundle, err)
		}
		left -= n
	}
	return nil
}

func extract(root *os.Root, f *zip.File, limit int64) (int64, error) {
	mode := f.Mode()
	if !filepath.IsLocal(f.Name) {
		return 0, fmt.Errorf("the name leads out of the bundle")
	}
	if mode.IsDir() {
		return 0, root.MkdirAll(filepath.Clean(f.Name), 0o755)
	}
	if !mode.IsRegular() {
		return 0, fmt.Errorf("only files and folders are allowed")
	}
	if err := root.MkdirAll(filepath.Dir(f.Name), 0o755); err != nil {
		return 0, err
	}
	in, err := f.Open()
	if err != nil {
		return 0, err
	}
	defer in.Close()
	// A process that is forked while a program is open for writing holds it open until its own exec; starting the
	// program then fails as "busy".
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	out, err := root.OpenFile(f.Name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(out, io.LimitReader(in, limit+1))
	if err == nil && n > limit {
		err = fmt.Errorf("the bundle is larger than %d bytes unzipped", maxUnzipped)
	}
	if err == nil {
		err = out.Chmod(mode.Perm()) // the process's umask must not decide
	}
	if closing := out.Close(); err == nil {
		err = closing
	}
	return n, err
}
