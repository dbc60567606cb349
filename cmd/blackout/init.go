package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"blackout/harness/project"
)

func (s *state) initCommand() *cobra.Command {
	var f files
	var out string
	var toStdout bool
	c := &cobra.Command{
		Use:   "init [FOLDER]",
		Short: "Propose an app.yaml for the app of a folder",
		Long: `Init looks at a folder: package.json, go.mod, Dockerfile, compose.yaml, the
names (never the values) in .env and .env.example, and the sources. It says what
it found, which hosts of RPC providers and gateways the world has and which it
has not, and writes app.yaml with the reason of each line. What it could not
guess is marked TODO, and lint reports it. It overwrites nothing.`,
		Example: `  blackout init
  blackout init ../my-wallet --stdout`,
		Args: words(0, 1, "one folder"),
		RunE: func(c *cobra.Command, args []string) error {
			folder := "."
			if len(args) == 1 {
				folder = args[0]
			}
			if out != filepath.Base(out) {
				return usage(fmt.Errorf("--out %s: the app's file lies in the app's folder", out), "give its name alone: --out "+filepath.Base(out))
			}
			file := filepath.Join(folder, out)
			if _, err := os.Lstat(s.path(file)); err == nil && !toStdout {
				return exists(file)
			}
			world, err := s.loadWorld(f)
			if err != nil {
				return usage(err, "")
			}
			p, err := project.LookAt(s.path(folder))
			if err != nil {
				return usage(unwrapped(folder, err), "init takes the folder of an app")
			}
			proposal := p.Propose(world)
			if toStdout {
				_, err := s.stdout.Write([]byte(proposal.Text))
				return err
			}
			if err := create(s.path(file), []byte(proposal.Text)); errors.Is(err, fs.ErrExist) {
				return exists(file)
			} else if err != nil {
				return usage(unwrapped(file, err), "")
			}
			fmt.Fprintf(s.stdout, "Found in %s:\n", folder)
			p.Tell(s.stdout, world)
			fmt.Fprintf(s.stdout, "\nWrote %s", file)
			if len(proposal.Todo) > 0 {
				fmt.Fprint(s.stdout, ". To fill in:")
			}
			fmt.Fprintln(s.stdout)
			for _, todo := range proposal.Todo {
				fmt.Fprintf(s.stdout, "  %s:%d:\n    %s\n", file, todo.Line, todo.What)
			}
			fmt.Fprintf(s.stdout, "\nNext:\n  blackout lint %[1]s\n  blackout plan %[2]s --app %[1]s\n  blackout run %[2]s --app %[1]s\n", file, proposal.Scenario)
			for _, note := range proposal.Notes {
				fmt.Fprintf(s.stdout, "\n%s\n", fill(note, 80))
			}
			return nil
		},
	}
	c.Flags().StringVar(&f.world, "world", "default", "the world: a name from the library, or a `file`")
	c.Flags().StringVar(&out, "out", "app.yaml", "the `name` of the file that is written into the folder")
	c.Flags().BoolVar(&toStdout, "stdout", false, "print the file and write nothing")
	return c
}

// exists is the refusal to overwrite.
func exists(file string) error {
	return usage(fmt.Errorf("%s exists, and is left as it is", file), "--out other.yaml writes beside it, --stdout prints")
}

// create writes a file that does not exist yet.
func create(name string, data []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}

// unwrapped names a file as it was typed.
func unwrapped(name string, err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return fmt.Errorf("%s: %w", name, at.Err)
	}
	return err
}
