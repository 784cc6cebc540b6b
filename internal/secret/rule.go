package secret

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/getsops/sops/v3"
	sopsage "github.com/getsops/sops/v3/age"
	"github.com/getsops/sops/v3/azkv"
	"github.com/getsops/sops/v3/config"
	"github.com/getsops/sops/v3/gcpkms"
	"github.com/getsops/sops/v3/hckms"
	"github.com/getsops/sops/v3/hcvault"
	"github.com/getsops/sops/v3/kms"
	"github.com/getsops/sops/v3/pgp"

	"github.com/tugops/tug/internal/fault"
)

// Recipients to encrypt for, given by a person: each text is a list with
// commas, as sops takes it. All empty means that .sops.yaml says it.
type Recipients struct {
	Age, PGP, KMS, GCPKMS, AzureKV, Vault, HCKMS string
	// AWSProfile goes with KMS.
	AWSProfile string
}

// Empty reports whether nobody is named.
func (r Recipients) Empty() bool {
	return r == Recipients{} || r == Recipients{AWSProfile: r.AWSProfile}
}

// Selection says what of a file is encrypted: at most one of the texts.
type Selection struct {
	UnencryptedSuffix, EncryptedSuffix             string
	UnencryptedRegex, EncryptedRegex               string
	UnencryptedCommentRegex, EncryptedCommentRegex string
}

// Empty reports whether nothing is said, which encrypts everything but keys
// that end in _unencrypted.
func (s Selection) Empty() bool { return s == Selection{} }

// Rule is how a file is encrypted.
type Rule struct {
	Selection
	MACOnlyEncrypted bool
	groups           []sops.KeyGroup
	threshold        int
	// indent of the configuration's stores, for files that are not SOPS yet.
	yamlIndent, jsonIndent int
	// From is the configuration file that says so; empty where a person did.
	From string
}

// RuleOptions say where a rule comes from.
type RuleOptions struct {
	// Config is a configuration file; empty looks for .sops.yaml from the
	// folder of the file upward.
	Config string
	// Recipients replace those of the configuration, Selection what it selects.
	Recipients Recipients
	Selection  Selection
	// MACOnlyEncrypted adds to the configuration.
	MACOnlyEncrypted bool
	// Threshold of key groups; 0 is the configuration's.
	Threshold int
}

// FindRule finds how a file is to be encrypted: what o says, else the first
// creation rule of .sops.yaml that fits its path. path is that of the file on
// disk, which need not exist.
func FindRule(path string, o RuleOptions) (rule Rule, err error) {
	defer recovered(path, &err)
	abs, err := filepath.Abs(path)
	if err != nil {
		return Rule{}, err
	}
	if rule, err = configuredRule(abs, path, o); err != nil {
		return Rule{}, err
	}
	if !o.Recipients.Empty() {
		group, err := o.Recipients.group()
		if err != nil {
			return Rule{}, err
		}
		rule.groups, rule.threshold = []sops.KeyGroup{group}, 0
	}
	if !o.Selection.Empty() {
		rule.Selection = o.Selection
	}
	rule.MACOnlyEncrypted = rule.MACOnlyEncrypted || o.MACOnlyEncrypted
	if o.Threshold != 0 {
		rule.threshold = o.Threshold
	}
	if rule.Selection.Empty() {
		rule.UnencryptedSuffix = sops.DefaultUnencryptedSuffix
	}
	return rule, rule.check(path)
}

// configuredRule is the rule of the configuration; an empty one where there is
// none and recipients are given.
func configuredRule(abs, path string, o RuleOptions) (Rule, error) {
	file := o.Config
	if file == "" {
		found, err := config.LookupConfigFile(filepath.ToSlash(abs))
		switch {
		case err == nil:
			file = found.Path
		case !o.Recipients.Empty():
			return Rule{}, nil
		default:
			return Rule{}, noRecipients(path, found.Warning)
		}
	}
	stores, err := config.LoadStoresConfig(file)
	if err != nil {
		return Rule{}, configFault(file, err)
	}
	found, err := config.LoadCreationRuleForFile(file, abs, nil)
	switch {
	case err != nil && !o.Recipients.Empty() && strings.Contains(err.Error(), "no matching creation rules"):
		return Rule{}, nil
	case err != nil && strings.Contains(err.Error(), "no matching creation rules"):
		return Rule{}, fault.New(fault.NotFound, "%s: no rule of %s fits it", path, file).
			Hint("add a creation rule whose path_regex fits, or name recipients: --age RECIPIENT")
	case err != nil:
		return Rule{}, configFault(file, err)
	case found == nil && o.Recipients.Empty():
		return Rule{}, noRecipients(path, file+" has no creation_rules")
	case found == nil:
		return Rule{}, nil
	}
	return Rule{
		Selection: Selection{
			found.UnencryptedSuffix, found.EncryptedSuffix, found.UnencryptedRegex, found.EncryptedRegex,
			found.UnencryptedCommentRegex, found.EncryptedCommentRegex,
		},
		MACOnlyEncrypted: found.MACOnlyEncrypted, groups: found.KeyGroups, threshold: found.ShamirThreshold,
		yamlIndent: stores.YAML.Indent, jsonIndent: max(stores.JSON.Indent, 0), From: file,
	}, nil
}

func noRecipients(path, why string) error {
	err := fault.New(fault.Usage, "%s: nothing says for whom to encrypt it", path).
		Hint("write a .sops.yaml with creation_rules, or name recipients: --age RECIPIENT (or --pgp, --kms, --gcp-kms, --azure-kv, --hc-vault-transit)")
	if why != "" {
		err.Hint("%s", why)
	}
	return err
}

func configFault(file string, err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return fault.New(fault.NotFound, "%s: there is no such configuration", file)
	}
	return fault.New(fault.Invalid, "%s: %s", file, firstLine(err)).
		Hint("its format: creation_rules, each with path_regex and age, pgp, kms, … or key_groups")
}

// group makes one key group of what a person named.
func (r Recipients) group() (group sops.KeyGroup, err error) {
	add := func(kind string, keyErr error) {
		if keyErr != nil && err == nil {
			err = fault.New(fault.Usage, "recipients: %s: %s", kind, firstLine(keyErr))
		}
	}
	ageKeys, keyErr := sopsage.MasterKeysFromRecipients(r.Age)
	add("age", keyErr)
	for _, k := range ageKeys {
		group = append(group, k)
	}
	for _, k := range pgp.MasterKeysFromFingerprintString(r.PGP) {
		group = append(group, k)
	}
	for _, k := range kms.MasterKeysFromArnString(r.KMS, nil, r.AWSProfile) {
		group = append(group, k)
	}
	for _, k := range gcpkms.MasterKeysFromResourceIDString(r.GCPKMS) {
		group = append(group, k)
	}
	azure, keyErr := azkv.MasterKeysFromURLs(r.AzureKV)
	add("Azure Key Vault", keyErr)
	for _, k := range azure {
		group = append(group, k)
	}
	vault, keyErr := hcvault.NewMasterKeysFromURIs(r.Vault)
	add("Vault", keyErr)
	for _, k := range vault {
		group = append(group, k)
	}
	huawei, keyErr := hckms.NewMasterKeyFromKeyIDString(r.HCKMS)
	add("HuaweiCloud KMS", keyErr)
	for _, k := range huawei {
		group = append(group, k)
	}
	return group, err
}

// check refuses a rule that sops could not read again.
func (r Rule) check(path string) error {
	said := 0
	for _, s := range []string{r.UnencryptedSuffix, r.EncryptedSuffix, r.UnencryptedRegex, r.EncryptedRegex, r.UnencryptedCommentRegex, r.EncryptedCommentRegex} {
		if s != "" {
			said++
		}
	}
	if said > 1 {
		return fault.New(fault.Usage, "%s: more than one of the suffixes and expressions says what is encrypted", path)
	}
	if len(r.groups) == 0 {
		return noRecipients(path, "")
	}
	for i, g := range r.groups {
		if len(g) == 0 {
			return fault.New(fault.Invalid, "%s: key group %d of the rule names nobody", path, i+1).Hint("%s", r.source())
		}
	}
	if r.threshold < 0 || r.threshold > len(r.groups) {
		return fault.New(fault.Invalid, "%s: shamir_threshold is %d with %d key groups", path, r.threshold, len(r.groups)).Hint("%s", r.source())
	}
	return nil
}

func (r Rule) source() string {
	if r.From == "" {
		return "the recipients were given as flags or in the environment"
	}
	return "the rule stands in " + r.From
}

// metadata is that of a new file.
func (r Rule) metadata() sops.Metadata {
	return sops.Metadata{
		KeyGroups: r.groups, ShamirThreshold: r.threshold, MACOnlyEncrypted: r.MACOnlyEncrypted, Version: version,
		UnencryptedSuffix: r.UnencryptedSuffix, EncryptedSuffix: r.EncryptedSuffix,
		UnencryptedRegex: r.UnencryptedRegex, EncryptedRegex: r.EncryptedRegex,
		UnencryptedCommentRegex: r.UnencryptedCommentRegex, EncryptedCommentRegex: r.EncryptedCommentRegex,
	}
}

// selects reports whether metadata selects the same values.
func (r Rule) selects(m *sops.Metadata) bool {
	return r.Selection == Selection{
		m.UnencryptedSuffix, m.EncryptedSuffix, m.UnencryptedRegex, m.EncryptedRegex,
		m.UnencryptedCommentRegex, m.EncryptedCommentRegex,
	} && r.MACOnlyEncrypted == m.MACOnlyEncrypted
}

// sameGroups reports whether the keys are the same, in any order of a group.
func sameGroups(a, b []sops.KeyGroup) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		added, removed := compareGroup(a[i], b[i])
		if len(added)+len(removed) > 0 {
			return false
		}
	}
	return true
}

// compareGroup gives the names of keys that only b, and only a has.
func compareGroup(a, b sops.KeyGroup) (added, removed []string) {
	inA, inB := map[string]bool{}, map[string]bool{}
	for _, k := range a {
		inA[masterName(k)] = true
	}
	for _, k := range b {
		inB[masterName(k)] = true
		if !inA[masterName(k)] {
			added = append(added, masterName(k))
		}
	}
	for _, k := range a {
		if !inB[masterName(k)] {
			removed = append(removed, masterName(k))
		}
	}
	return added, removed
}

// Names names those for whom the rule encrypts.
func (r Rule) Names() []string { return recipients(&sops.Metadata{KeyGroups: r.groups}) }

// ForSecrets is the rule for Kubernetes Secrets: where it does not say what is
// encrypted, their values are, and their kind and name stay to be read.
func (r Rule) ForSecrets() Rule {
	if r.Selection == (Selection{UnencryptedSuffix: sops.DefaultUnencryptedSuffix}) {
		r.Selection = Selection{EncryptedRegex: "^(data|stringData)$"}
	}
	return r
}
