package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"blackout/harness/spec"
)

// main runs the program once and gives its exit code.
func (s *state) main(ctx context.Context) int {
	root := s.root()
	root.SetArgs(s.args)
	return s.code(misnamed(root, root.ExecuteContext(ctx)))
}

// misnamed puts cobra's error about a word that is no command, which has no type, as all other errors are put.
func misnamed(root *cobra.Command, err error) error {
	var word, path string
	if err == nil {
		return nil
	}
	if n, _ := fmt.Sscanf(err.Error(), "unknown command %q for %q", &word, &path); n != 2 {
		return err
	}
	if path != root.Name() {
		return usage(fmt.Errorf("%s takes no words, and not %q", path, word), "see "+path+" --help")
	}
	return noCommand(root, word)
}

// noCommand says that a word is no command, and which was meant.
func noCommand(root *cobra.Command, word string) error {
	var names []string
	for _, c := range root.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	return usage(fmt.Errorf("there is no command %q", word), cmp.Or(spec.Suggest(word, names), "see "+root.Name()+" --help"))
}

// helpCommand is cobra's own but for what it says of a word that is no command, and its status then.
func helpCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND]", Short: "Help about any command",
		Example: "  blackout help run",
		RunE: func(_ *cobra.Command, args []string) error {
			c, rest, err := root.Find(args)
			if err != nil {
				return err
			}
			if c == nil || len(rest) > 0 {
				return noCommand(root, args[len(args)-len(rest)])
			}
			c.InitDefaultHelpFlag()
			return c.Help()
		},
	}
}

// wanted says which values a flag takes, by its type.
var wanted = map[string]string{"uint64": "a whole number is needed", "int": "a whole number is needed", "float64": "a number is needed", "bool": "true or false is needed", "duration": "a duration such as 10s is needed"}

// words makes the check of how many words a command takes; max 0 means any number. what is what to type: "SCENARIO… --app APP".
func words(least, most int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return usage(fmt.Errorf("%s needs %s", c.CommandPath(), what), "see "+c.CommandPath()+" --help")
		case most > 0 && len(args) > most:
			return usage(fmt.Errorf("%s takes %s, and not %q as well", c.CommandPath(), what, args[most]), "see "+c.CommandPath()+" --help")
		}
		return nil
	}
}

func (s *state) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "blackout",
		Short: "See what an outage does to the users of a web3 app",
		Long: `Blackout brings an outage to your own machine: a real local chain, the RPC
providers that your app calls, the clouds and regions they run in, and a
timeline of what fails. It drives your app as users do, compares every answer
with what was true on the chain, and says how the app degraded.`,
		Example: `  blackout run aws-us-east-1-down --app scenarios/apps/wallet-single/app.yaml
  blackout list
  blackout explain infura-unreachable`,
		SilenceUsage: true, SilenceErrors: true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.SetIn(s.stdin)
	root.SetOut(s.stdout)
	root.SetErr(s.stderr)
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), ".FlagUsages", ".FlagUsagesWrapped 80"))
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		hint := "see " + c.CommandPath() + " --help"
		var invalid *pflag.InvalidValueError
		if errors.As(err, &invalid) {
			if what := wanted[invalid.GetFlag().Value.Type()]; what != "" {
				err = fmt.Errorf("--%s %s: %s", invalid.GetFlag().Name, invalid.GetValue(), what)
			}
		}
		var unknown *pflag.NotExistError
		if errors.As(err, &unknown) {
			var names []string
			c.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, "--"+f.Name) })
			if near := spec.Suggest("--"+unknown.GetSpecifiedName(), names); near != "" {
				hint = near
			}
		}
		return usage(err, hint)
	})
	root.DisableSuggestions = true // the hint has them
	root.SetHelpCommand(helpCommand(root))
	root.AddCommand(
		s.runCommand(), s.cellCommand(), s.enterCommand(), s.inhabitCommand(), s.planCommand(), s.initCommand(), s.lintCommand(), s.listCommand(), s.explainCommand(), s.reportCommand(), s.gateCommand(), s.scorecardCommand(), s.compareCommand(), s.traceCommand(), s.auditCommand(),
		s.imagesCommand(), s.cleanCommand(), s.doctorCommand(), s.schemaCommand(), s.versionCommand(),
	)
	return root
}
