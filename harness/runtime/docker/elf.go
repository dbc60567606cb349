package docker

import (
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// libraryFolders are where the loader of this machine looks by itself: ld.so(8).
func libraryFolders() []string {
	triplet := map[string]string{"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}[runtime.GOARCH]
	return []string{"/lib/" + triplet, "/usr/lib/" + triplet, "/lib64", "/usr/lib64", "/lib", "/usr/lib"}
}

// needs are the files without which a program does not start: its loader and the libraries that it and they name. A static program needs none.
func needs(program string) ([]string, error) {
	found, queue := map[string]bool{}, []string{program}
	var all []string
	take := func(path string) {
		if !found[path] {
			found[path] = true
			all, queue = append(all, path), append(queue, path)
		}
	}
	for len(queue) > 0 {
		file := queue[0]
		queue = queue[1:]
		f, err := elf.Open(file)
		if err != nil {
			return nil, fmt.Errorf("%s is no program for Linux: %w", file, err)
		}
		loader, err := interpreter(f)
		libraries, libErr := f.ImportedLibraries()
		if err = errors.Join(err, libErr, f.Close()); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		if loader != "" {
			take(loader)
		}
		for _, name := range libraries {
			path, err := library(name)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
			take(path)
		}
	}
	return all, nil
}

// interpreter is the loader that a program names; "" for a static one.
func interpreter(f *elf.File) (string, error) {
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			name := make([]byte, p.Filesz-1) // it ends with a zero byte
			_, err := p.ReadAt(name, 0)
			return string(name), err
		}
	}
	return "", nil
}

func library(name string) (string, error) {
	for _, folder := range libraryFolders() {
		path := filepath.Join(folder, name)
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("the library %s is not found", name)
}
