package cli

import (
	"github.com/spf13/cobra"

	"github.com/tugops/tug/lab/cluster/internal/cluster"
)

func newUser() *cobra.Command {
	var dir, kubeconfig string
	var groups []string
	cmd := &cobra.Command{
		Use:   "user --dir DIR NAME",
		Short: "Write a kubeconfig for a user that RBAC knows by name and groups",
		Args: func(cmd *cobra.Command, args []string) error {
			if err := cobra.ExactArgs(1)(cmd, args); err != nil {
				return usageError{err}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			folder, err := cluster.NewFolder(dir)
			if err != nil {
				return err
			}
			file, err := cluster.AddUser(folder, kubeconfig, args[0], groups)
			if err != nil {
				return err
			}
			return export(cmd, file)
		},
	}
	dirFlag(cmd, &dir)
	cmd.Flags().StringArrayVar(&groups, "group", nil, "group of the user (repeatable)")
	cmd.Flags().StringVar(&kubeconfig, "kubeconfig", "", "file to write (default DIR/users/NAME.kubeconfig)")
	return cmd
}
