package kustomize

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/types"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
)

// The limits of one build: kustomizations on one path, and all of them, each
// as often as it is used. A kustomization may be used in two ways, so that a
// few files can stand for a billion.
const (
	maxDepth          = 64
	maxKustomizations = 5000
)

// node is one kustomization as it is used.
type node struct {
	at     place // its folder, as those that use it must name it
	file   place
	data   []byte
	k      types.Kustomization
	weight int // kustomizations in it, itself included
	// configurations are the files with settings of transformers in it and
	// below.
	configurations []place
	// plugins are the objects of a folder of generators or transformers.
	plugins []*object.Object
	// components are those that it uses, in order.
	components []*node
	// transformers and validators of the kustomization itself.
	transformers, validators []plugin
	changed                  bool // k is not what data says
}

// inherited is what the kustomizations above say about the one that is visited.
type inherited struct {
	root      bool
	component bool
	plugin    bool // its resources are generators, transformers or validators
	namespace string
	chain     []place
}

type nodeKey struct {
	tree              int
	path, namespace   string
	plugin, component bool
}

// visit reads a kustomization and all below it, checks what they refer to, and
// does what the library must not do itself.
func (b *build) visit(at place, in inherited) (*node, error) {
	key := nodeKey{at.mount.tree, at.path, in.namespace, in.plugin, in.component}
	if known, ok := b.nodes[key]; ok {
		return known, nil
	}
	if err := checkChain(at, in.chain); err != nil {
		return nil, err
	}
	n, err := b.readNode(at)
	if err != nil {
		return nil, err
	}
	in.chain = append(slices.Clip(in.chain), at)
	if n.k.Namespace != "" {
		in.namespace = n.k.Namespace
	}
	if in.root {
		b.openapi = n.k.OpenAPI
	}
	b.schemas = b.schemas || len(n.k.OpenAPI) > 0
	for _, step := range []func(*node, inherited) error{b.references, b.charts, b.externals, modernize, b.rootOnly, b.functions, b.finish} {
		if err := step(n, in); err != nil {
			return nil, err
		}
	}
	if !in.root {
		b.nodes[key] = n
	}
	return n, nil
}

func checkChain(at place, chain []place) error {
	for i, above := range chain {
		if above != at {
			continue
		}
		var names []string
		for _, p := range chain[i:] {
			names = append(names, p.String())
		}
		return fault.New(fault.Invalid, "kustomizations go in a circle: %s -> %s", strings.Join(names, " -> "), at).
			Hint("a kustomization must not use itself, nor what uses it")
	}
	if len(chain) == maxDepth {
		return fault.New(fault.Invalid, "%s: kustomizations are nested more than %d deep", at, maxDepth)
	}
	return nil
}

// readNode reads the kustomization in a folder.
func (b *build) readNode(at place) (*node, error) {
	n := &node{at: at, weight: 1}
	for _, name := range konfig.RecognizedKustomizationFileNames() {
		file := place{at.mount, path.Join(at.path, name)}
		if info, err := fs.Stat(at.mount.fsys, file.path); err != nil || info.IsDir() {
			continue
		}
		if n.file.mount != nil {
			return nil, fault.New(fault.Invalid, "%s holds both %s and %s", at, path.Base(n.file.path), name).Hint("keep one of them")
		}
		n.file = file
	}
	var err error
	if n.data, err = b.load(n.file); err != nil {
		return nil, err
	}
	name := n.file.String()
	if err := n.k.Unmarshal(n.data); err != nil {
		return nil, unreadable(name, n.data, err)
	}
	before := n.k
	n.k.FixKustomization()
	if n.k.CheckEmpty() != nil {
		return nil, fault.New(fault.Invalid, "%s: the kustomization is empty", name).
			Hint("list the files to deploy under resources")
	}
	n.changed = len(before.Bases) > 0 || len(before.ImageTags) > 0 || len(before.HelmChartInflationGenerator) > 0
	return n, nil
}

// references checks what a kustomization refers to, and visits the
// kustomizations among it.
func (b *build) references(n *node, in inherited) error {
	below := inherited{namespace: in.namespace, plugin: in.plugin, chain: in.chain}
	if err := b.followAll(n, "resources", n.k.Resources, below); err != nil {
		return err
	}
	parts := inherited{namespace: in.namespace, component: true, chain: in.chain}
	if err := b.followAll(n, "components", n.k.Components, parts); err != nil {
		return err
	}
	for _, ref := range references(&n.k) {
		if err := b.checkFile(n, ref); err != nil {
			return err
		}
	}
	for _, c := range n.k.Configurations {
		if p, ok := n.at.join(c); ok {
			n.configurations = append(n.configurations, p)
		}
	}
	if n.weight > maxKustomizations {
		return fault.New(fault.Invalid, "%s: more than %d kustomizations are used", n.file, maxKustomizations)
	}
	if in.plugin {
		return n.checkPluginFolder()
	}
	return nil
}

// followAll visits what a list names, and writes it as the library must read
// it.
func (b *build) followAll(n *node, field string, entries []string, in inherited) error {
	for i, entry := range entries {
		child, to, err := b.follow(n, field, entry, in)
		if err != nil {
			return err
		}
		if to != entry {
			entries[i], n.changed = to, true
		}
		if in.component && child != nil {
			n.components = append(n.components, child)
		}
		if child == nil && in.plugin {
			if err := b.pluginFile(n, entry); err != nil {
				return err
			}
		}
	}
	return nil
}

// follow finds what an entry of resources or components names: nil for a file,
// else the kustomization. to is how the library must name it.
func (b *build) follow(n *node, field, entry string, in inherited) (child *node, to string, err error) {
	ref := reference{field: field, value: entry, folder: true}
	target, err := b.target(n, ref)
	if err != nil {
		return nil, "", err
	}
	if info, err := fs.Stat(target.mount.fsys, target.path); err == nil && !info.IsDir() {
		if real, err := resolve(target.mount.fsys, target.path); err == nil {
			target.path = real
		}
		if !in.plugin {
			b.resources[fileKey{target.mount.tree, target.path}] = true
		}
		return nil, entry, nil
	}
	if target.path, err = resolve(target.mount.fsys, target.path); err != nil {
		return nil, "", absent(n.position(entry), ref, err)
	}
	if !isKustomization(target.mount.fsys, target.path) {
		return nil, "", fault.New(fault.Invalid, "%s: %s: folder %s has no kustomization.yaml", n.position(entry), field, target)
	}
	if child, err = b.visit(target, in); err != nil {
		return nil, "", err
	}
	n.weight += child.weight
	n.configurations = append(n.configurations, child.configurations...)
	n.plugins = append(n.plugins, child.plugins...)
	if child.at == target && target.mount == n.at.mount {
		return child, entry, nil
	}
	return child, n.at.to(child.at), nil
}

// rootOnly does what concerns the outermost kustomization alone.
func (b *build) rootOnly(n *node, in inherited) error {
	if !in.root {
		return nil
	}
	if b.request.Input != nil {
		b.input(n)
	}
	return nil
}

// finish puts the kustomization before the library as it is now.
func (b *build) finish(n *node, in inherited) error {
	if !in.plugin {
		n.markSources()
	}
	data := n.data
	if n.changed {
		var err error
		if data, err = encode(n.k); err != nil {
			return err
		}
	}
	n.file = b.write(n.file, data)
	n.at.mount = n.file.mount
	return nil
}

func encode(k types.Kustomization) ([]byte, error) {
	data, err := sigsyaml.Marshal(k)
	if err != nil {
		return nil, fmt.Errorf("write a kustomization: %w", err)
	}
	return data, nil
}

// position is where a kustomization says something.
func (n *node) position(text string) string { return position(n.file.String(), n.data, text) }
