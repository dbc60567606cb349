package project

import (
	"io/fs"
	"os"
	"path/filepath"
)

// LookAt looks at a folder of this machine. The folder has to exist; whatever lies in it makes no error.
func LookAt(folder string) (*Project, error) {
	dir, err := filepath.Abs(folder)
	if err != nil {
		return nil, err
	}
	if _, err := os.ReadDir(dir); err != nil {
		return nil, err
	}
	return Look(filepath.Base(dir), os.DirFS(dir), parents(dir)...), nil
}

// parents are the folders above one, the nearest first.
func parents(dir string) (above []fs.FS) {
	for up := filepath.Dir(dir); up != dir; dir, up = up, filepath.Dir(up) {
		above = append(above, os.DirFS(up))
	}
	return above
}
