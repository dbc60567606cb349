package history

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// The names of a history inside a run's folder: plain while the run goes on, compressed once it is sealed.
const (
	PlainName      = "history.jsonl"
	CompressedName = "history.jsonl.gz"
)

// ReadFolder reads the history of a run's folder, sealed or not. The error is fs.ErrNotExist when there is none.
func ReadFolder(dir string) (*History, error) { return ReadFolderTo(dir, Takers{}) }

// ReadFolderTo is ReadFolder that hands records over to takers, as ReadTo does.
func ReadFolderTo(dir string, to Takers) (*History, error) {
	for _, name := range []string{CompressedName, PlainName} {
		f, err := os.Open(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		defer f.Close()
		h, err := ReadTo(f, to)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name(), err)
		}
		return h, nil
	}
	return nil, fmt.Errorf("%s holds no %s: %w", dir, CompressedName, fs.ErrNotExist)
}

// Compress replaces a folder's plain history by a compressed one. On an error the plain one stays.
func Compress(dir string) (err error) {
	plain, packed := filepath.Join(dir, PlainName), filepath.Join(dir, CompressedName)
	in, err := os.Open(plain)
	if err != nil {
		return err
	}
	defer in.Close()
	tmp := packed + ".tmp"
	out, err := os.Create(tmp)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("compress history: %w", err), out.Close(), os.Remove(tmp))
		}
	}()
	z := gzip.NewWriter(out)
	if _, err = io.Copy(z, in); err != nil {
		return err
	}
	if err = z.Close(); err != nil {
		return err
	}
	if err = out.Sync(); err != nil {
		return err
	}
	if err = out.Close(); err != nil {
		return err
	}
	if err = os.Rename(tmp, packed); err != nil {
		return err
	}
	return os.Remove(plain)
}
