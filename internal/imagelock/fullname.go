package imagelock

// FullName is a reference with registry and library folder filled in, as it
// stands in locks: busybox is index.docker.io/library/busybox. A tag beside a
// digest is left out.
func FullName(image string) string { return fullName(image) }
