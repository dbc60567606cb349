package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"blackout/harness/canned"
	"blackout/scenarios"
)

// The limits of a folder that a world file names: what a service has to say is kept in memory, and hashed for each plan.
const (
	maxFolderFiles = 1000
	maxFolderBytes = 16 << 20
)

// folder reads the files of a folder that lies beside a file: one of the library, or of the command line.
func (s *state) folder(from, name string, library bool) ([]canned.File, error) {
	if library {
		sub, err := fs.Sub(scenarios.FS(), path.Join(path.Dir(strings.TrimPrefix(from, scenarios.Prefix)), name))
		if err != nil {
			return nil, err
		}
		return readFolder(sub)
	}
	root, err := os.OpenRoot(filepath.Join(filepath.Dir(s.path(from)), filepath.FromSlash(name)))
	var at *fs.PathError
	switch {
	case errors.As(err, &at):
		return nil, at.Err // the folder is named beside it
	case err != nil:
		return nil, err
	}
	files, err := readFolder(root.FS())
	return files, errors.Join(err, root.Close())
}

// readFolder reads all files of a folder, those below it too. What begins with a dot is left out.
func readFolder(in fs.FS) (files []canned.File, err error) {
	size := 0
	err = fs.WalkDir(in, ".", func(name string, d fs.DirEntry, err error) error {
		switch hidden := name != "." && strings.HasPrefix(path.Base(name), "."); {
		case err != nil:
			return err
		case hidden && d.IsDir():
			return fs.SkipDir
		case hidden || d.IsDir():
			return nil
		}
		data, err := fs.ReadFile(in, name)
		if err != nil {
			return err
		}
		files, size = append(files, canned.File{Name: name, Bytes: data}), size+len(data)
		if len(files) > maxFolderFiles || size > maxFolderBytes {
			return fmt.Errorf("it has more than %d files or %d MiB", maxFolderFiles, maxFolderBytes>>20)
		}
		return nil
	})
	return files, err
}
