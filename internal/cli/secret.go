package cli

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/secret"
)

func newSecretCommand(env *Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "secret COMMAND", GroupID: "deliver", Short: "Encrypt, change and compare the secrets in a repository (SOPS)",
		Long: `Works on files that SOPS encrypts: YAML, JSON, dotenv, INI, and anything else as
a whole. They stay files of SOPS: sops and Flux read them, and the rules are
those of .sops.yaml. What does not change keeps its ciphertext, so that a
reviewer sees which values changed. Plain text is in memory only.

Credentials: the private keys of the files, as sops finds them (SOPS_AGE_KEY,
SOPS_AGE_KEY_FILE, SSH keys, PGP, AWS, Google Cloud, Azure, Vault); none to
encrypt for age and SSH keys, or to compare by key.`,
		Example: `  tug secret encrypt k8s/prod/secrets.yaml
  tug secret edit k8s/prod/secrets.yaml
  tug secret diff main`,
		Args: unknownCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddGroup(&cobra.Group{ID: "secret", Title: "Commands:"})
	cmd.AddCommand(
		newSecretEncryptCommand(env), newSecretDecryptCommand(env), newSecretEditCommand(env),
		newSecretSetCommand(env), newSecretRotateCommand(env),
		newSecretDiffCommand(env), newSecretGenerateCommand(env), newSecretDriversCommand(env), newSecretTextconvCommand(env), newSecretMergeCommand(env),
	)
	for _, c := range cmd.Commands() {
		c.GroupID = "secret"
	}
	return cmd
}

// keyFlags say where private keys are, beyond the environment.
type keyFlags struct {
	services []string
	remote   bool
}

func (k *keyFlags) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVar(&k.services, "keyservice", nil, "ask the sops key service at `ADDRESS` too: unix:///path, tcp://host:port (repeatable)")
	f.BoolVar(&k.remote, "keyservice-only", false, "use no keys at hand, only those of --keyservice")
}

// keys are the private keys of the person at the terminal.
func (e *Env) keys(k keyFlags) secret.Keys {
	keys := e.privateKeys()
	keys.Services, keys.Remote = k.services, k.remote
	if in, ok := e.Stdin.(*os.File); ok && e.InTTY && e.ErrTTY {
		keys.Ask = func(prompt string) ([]byte, error) {
			fmt.Fprint(e.Stderr, prompt)
			defer fmt.Fprintln(e.Stderr)
			return term.ReadPassword(int(in.Fd()))
		}
	}
	return keys
}

// ruleFlags say how files are encrypted, beyond .sops.yaml.
type ruleFlags struct {
	secret.RuleOptions
}

func (r *ruleFlags) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&r.Config, "config", "", "SOPS configuration `FILE` (default: SOPS_CONFIG, else .sops.yaml from the file's folder upward)")
	f.StringVar(&r.Recipients.Age, "age", "", "encrypt for age or SSH `RECIPIENTS`, with commas, instead of those of the rules")
	f.StringVar(&r.Recipients.PGP, "pgp", "", "encrypt for PGP `FINGERPRINTS`")
	f.StringVar(&r.Recipients.KMS, "kms", "", "encrypt for AWS KMS `ARNS`")
	f.StringVar(&r.Recipients.AWSProfile, "aws-profile", "", "AWS `PROFILE` of --kms")
	f.StringVar(&r.Recipients.GCPKMS, "gcp-kms", "", "encrypt for Google Cloud KMS `IDS`")
	f.StringVar(&r.Recipients.AzureKV, "azure-kv", "", "encrypt for Azure Key Vault `URLS`")
	f.StringVar(&r.Recipients.Vault, "hc-vault-transit", "", "encrypt for Vault transit `URIS`")
	f.StringVar(&r.Recipients.HCKMS, "hckms", "", "encrypt for HuaweiCloud KMS `IDS`")
	f.StringVar(&r.Selection.EncryptedRegex, "encrypted-regex", "", "encrypt only below keys that match `REGEX`")
	f.StringVar(&r.Selection.UnencryptedRegex, "unencrypted-regex", "", "leave what is below keys that match `REGEX`")
	f.StringVar(&r.Selection.EncryptedSuffix, "encrypted-suffix", "", "encrypt only below keys that end in `SUFFIX`")
	f.StringVar(&r.Selection.UnencryptedSuffix, "unencrypted-suffix", "", "leave what is below keys that end in `SUFFIX`")
	f.BoolVar(&r.MACOnlyEncrypted, "mac-only-encrypted", false, "values in the clear may change without the key")
	f.IntVar(&r.Threshold, "shamir-threshold", 0, "`N` of the rule's key groups are needed to decrypt")
	_ = cmd.MarkFlagFilename("config")
}

// rule is how a file is to be encrypted: flags, then the variables of sops,
// then .sops.yaml.
func (e *Env) rule(file string, r ruleFlags) (secret.Rule, error) {
	o := r.RuleOptions
	if o.Config == "" {
		o.Config = e.Getenv("SOPS_CONFIG")
	}
	if o.Recipients.Empty() {
		o.Recipients = secret.Recipients{
			Age: e.Getenv("SOPS_AGE_RECIPIENTS"), PGP: e.Getenv("SOPS_PGP_FP"), KMS: e.Getenv("SOPS_KMS_ARN"),
			GCPKMS: e.Getenv("SOPS_GCP_KMS_IDS"), AzureKV: e.Getenv("SOPS_AZURE_KEYVAULT_URLS"),
			Vault: e.Getenv("SOPS_VAULT_URIS"), HCKMS: e.Getenv("SOPS_HUAWEICLOUD_KMS_IDS"), AWSProfile: o.Recipients.AWSProfile,
		}
	}
	return secret.FindRule(file, o)
}

// someFiles wants at least one FILE.
func someFiles(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return nil
	}
	return fault.New(fault.Usage, "%s needs a FILE", cmd.CommandPath()).Hint("try: %s k8s/prod/secrets.yaml", cmd.CommandPath())
}

// oneFile wants exactly one FILE.
func oneFile(cmd *cobra.Command, args []string) error {
	if len(args) == 1 {
		return nil
	}
	return fault.New(fault.Usage, "%s takes one FILE, got %d", cmd.CommandPath(), len(args)).Hint("try: %s k8s/prod/secrets.yaml", cmd.CommandPath())
}

// secretResult is what a command did to one file, in JSON.
type secretResult struct {
	File       string   `json:"file"`
	Status     string   `json:"status"`
	Recipients []string `json:"recipients,omitempty"`
	Added      []string `json:"addedRecipients,omitempty"`
	Removed    []string `json:"removedRecipients,omitempty"`
}

// tell gives the results of a command that changes files.
func (e *Env) tell(results []secretResult) error {
	if e.Global.JSON() {
		return e.writeJSON("", append([]secretResult{}, results...))
	}
	if e.Global.Quiet {
		return nil
	}
	var b strings.Builder
	for _, r := range results {
		fmt.Fprintf(&b, "%s: %s", r.File, r.Status)
		if len(r.Recipients) > 0 {
			fmt.Fprintf(&b, " for %s", strings.Join(r.Recipients, ", "))
		}
		for _, name := range r.Added {
			fmt.Fprintf(&b, "\n  + %s", name)
		}
		for _, name := range r.Removed {
			fmt.Fprintf(&b, "\n  - %s", name)
		}
		b.WriteByte('\n')
	}
	return e.write("", []byte(b.String()))
}

// limitedInput reads all of stdin, up to a size that no secret has.
func (e *Env) limitedInput() ([]byte, error) {
	const most = 16 << 20
	data, err := io.ReadAll(io.LimitReader(e.Stdin, most+1))
	if err == nil && len(data) > most {
		return nil, fault.New(fault.Invalid, "stdin: more than %d MiB", most>>20)
	}
	return data, err
}
