package pull

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/mom-router/mom/classifiers/catalog"
)

// fromFolder copies the files of a model's folder that the manifest names, and its card.
func (s Source) fromFolder(to *stage) error {
	manifest, err := readSmall(filepath.Join(s.From, catalog.ManifestFile))
	if err != nil {
		return err
	}
	if sum := fmt.Sprintf("%x", sha256.Sum256(manifest)); s.SHA256 != "" && sum != s.SHA256 {
		return fmt.Errorf("sha256 of %s is %s, want %s", catalog.ManifestFile, sum, s.SHA256)
	}
	h, err := peek(manifest)
	if err != nil {
		return err
	}
	// The bytes that were checked, not the file again: it may have been changed meanwhile.
	if _, _, err := to.add(catalog.ManifestFile, bytes.NewReader(manifest)); err != nil {
		return err
	}
	for _, name := range h.own() {
		if _, _, err := to.addFile(name, filepath.Join(s.From, name)); err != nil {
			return err
		}
	}
	for _, name := range beside[1:] {
		if _, _, err := to.addFile(name, filepath.Join(s.From, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// The parts of the OCI image specification 1.1 that are read here.
const (
	indexFile     = "index.json"
	layoutFile    = "oci-layout"
	imageManifest = "application/vnd.oci.image.manifest.v1+json"
	titleKey      = "org.opencontainers.image.title"
)

type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int64             `json:"size"`
	Annotations map[string]string `json:"annotations"`
}

// blob is the path of what the descriptor names; only sha256 is read.
func (d descriptor) blob(layout string) (path, digest string, err error) {
	const prefix = "sha256:"
	if len(d.Digest) <= len(prefix) || d.Digest[:len(prefix)] != prefix || !hexDigest.MatchString(d.Digest[len(prefix):]) {
		return "", "", fmt.Errorf("digest %q is not a sha256", d.Digest)
	}
	digest = d.Digest[len(prefix):]
	return filepath.Join(layout, "blobs", "sha256", digest), digest, nil
}

// fromLayout copies the layers of an image, each of them one file with its name as title.
func (s Source) fromLayout(to *stage) error {
	image, err := s.image()
	if err != nil {
		return err
	}
	path, digest, err := image.blob(s.From)
	if err != nil {
		return err
	}
	raw, err := readSmall(path)
	if err != nil {
		return err
	}
	if sum := fmt.Sprintf("%x", sha256.Sum256(raw)); sum != digest || int64(len(raw)) != image.Size {
		return fmt.Errorf("the image's manifest has %d bytes and sha256 %s, %s says %d and %s", len(raw), sum, indexFile, image.Size, digest)
	}
	var m struct{ Layers []descriptor }
	if err := json.Unmarshal(raw, &m); err != nil {
		return errors.New("the image's manifest is not readable as JSON")
	}
	for i, layer := range m.Layers {
		path, digest, err := layer.blob(s.From)
		if err != nil {
			return fmt.Errorf("layer %d: %w", i, err)
		}
		name := layer.Annotations[titleKey]
		if name == "" {
			return fmt.Errorf("layer %d has no %s: want one layer a file", i, titleKey)
		}
		size, sum, err := to.addFile(name, path)
		if err != nil {
			return fmt.Errorf("layer %d: %w", i, err)
		}
		if size != layer.Size || sum != digest {
			return fmt.Errorf("layer %d, %s, has %d bytes and sha256 %s, the image's manifest says %d and %s", i, name, size, sum, layer.Size, digest)
		}
	}
	return nil
}

// image is the one image of the layout, or the one with the source's checksum.
func (s Source) image() (descriptor, error) {
	var layout struct {
		Version string `json:"imageLayoutVersion"`
	}
	var index struct{ Manifests []descriptor }
	for _, part := range []struct {
		file string
		to   any
	}{{layoutFile, &layout}, {indexFile, &index}} {
		raw, err := readSmall(filepath.Join(s.From, part.file))
		if err != nil {
			return descriptor{}, err
		}
		if err := json.Unmarshal(raw, part.to); err != nil {
			return descriptor{}, fmt.Errorf("%s is not readable as JSON", part.file)
		}
	}
	if layout.Version != "1.0.0" {
		return descriptor{}, fmt.Errorf("%s: version %q is not 1.0.0", layoutFile, layout.Version)
	}
	var found []descriptor
	for _, d := range index.Manifests {
		if d.MediaType == imageManifest && (s.SHA256 == "" || d.Digest == "sha256:"+s.SHA256) {
			found = append(found, d)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case s.SHA256 != "":
		return descriptor{}, fmt.Errorf("%s names no image with sha256 %s", indexFile, s.SHA256)
	}
	return descriptor{}, fmt.Errorf("%s names %d images: want one, or the sha256 of one", indexFile, len(found))
}
