package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// findCommand gives the absolute path of a command. A name with a slash is relative to the folder of the app file; any other is looked for in path. The error says
// what to do about it.
func findCommand(name, dir, path string) (string, error) {
	if name == "" {
		return "", errors.New("the command is empty")
	}
	if strings.ContainsRune(name, '/') {
		file := name
		if !filepath.IsAbs(file) {
			file = filepath.Join(dir, file)
		}
		err := executable(file)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return "", fmt.Errorf("%s does not exist: a command with a slash is relative to the folder of the app file; "+
				"if it has to be built first, name the build in start.prepare", file)
		case err != nil:
			return "", err
		}
		return file, nil
	}
	for _, folder := range filepath.SplitList(path) {
		if !filepath.IsAbs(folder) {
			continue
		}
		if file := filepath.Join(folder, name); executable(file) == nil {
			return file, nil
		}
	}
	if executable(filepath.Join(dir, name)) == nil {
		return "", fmt.Errorf("%q is not in PATH, but in the folder of the app file: write \"./%s\"", name, name)
	}
	return "", fmt.Errorf("%q is not in PATH (%s): install it, or name it by a path with a slash, relative to the folder of the app file", name, path)
}

func executable(file string) error {
	info, err := os.Stat(file)
	switch {
	case err != nil:
		return err
	case info.IsDir():
		return fmt.Errorf("%s is a folder", file)
	case info.Mode()&0o111 == 0:
		return fmt.Errorf("%s is not executable: chmod +x %s", file, filepath.Base(file))
	}
	return nil
}

// environment is what an instance sees: PATH, HOME, LANG and what the app file declares, which wins. The result is sorted, so that two runs are alike.
func environment(path, home, lang string, declared map[string]string) ([]string, error) {
	all := map[string]string{}
	for name, value := range map[string]string{"PATH": path, "HOME": home, "LANG": lang} {
		if value != "" {
			all[name] = value
		}
	}
	for name, value := range declared {
		if name == "" || strings.ContainsAny(name, "=\x00") {
			return nil, fmt.Errorf("start.env: %q is no name of an environment variable", name)
		}
		if strings.ContainsRune(value, 0) {
			return nil, fmt.Errorf("start.env: the value of %s holds a zero byte", name)
		}
		all[name] = value
	}
	env := make([]string, 0, len(all))
	for name, value := range all {
		env = append(env, name+"="+value)
	}
	slices.Sort(env)
	return env, nil
}

// lookupEnv finds a variable in a list as a process gets it; the last one wins, as os/exec has it.
func lookupEnv(env []string, name string) string {
	for _, entry := range slices.Backward(env) {
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			return value
		}
	}
	return ""
}
