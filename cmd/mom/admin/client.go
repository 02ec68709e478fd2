package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"

	"github.com/mom-router/mom/pkg/recall"
)

// Client asks the mom whose admin socket this is.
type Client struct{ Socket string }

// ErrNotRunning says that nobody answers on the socket.
var ErrNotRunning = errors.New("no mom answers there; is it running, and is this its admin.socket?")

// Stats asks what the memory holds and what it came to.
func (c Client) Stats(ctx context.Context) (Stats, error) {
	var s Stats
	return s, c.decode(ctx, http.MethodGet, "/cache/stats", &s)
}

// Invalidate has the entries that are named forgotten, or all of them, and says how many they were.
func (c Client) Invalidate(ctx context.Context, w recall.Which, all bool) (int, error) {
	var n Invalidated
	err := c.decode(ctx, http.MethodPost, "/cache/invalidate?"+flag(query(w), "all", all).Encode(), &n)
	return n.Entries, err
}

// Export copies the entries that are named, a line of JSON each, with their texts where these are asked for.
func (c Client) Export(ctx context.Context, w recall.Which, texts bool, out io.Writer) error {
	body, err := c.do(ctx, http.MethodGet, "/cache/export?"+flag(query(w), "texts", texts).Encode())
	if err != nil {
		return err
	}
	defer func() { _ = body.Close() }()
	if _, err := io.Copy(out, body); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	return nil
}

func (c Client) decode(ctx context.Context, method, path string, into any) error {
	body, err := c.do(ctx, method, path)
	if err != nil {
		return err
	}
	defer func() { _ = body.Close() }()
	if err := json.NewDecoder(body).Decode(into); err != nil {
		return fmt.Errorf("%s: %w", c.Socket, err)
	}
	return nil
}

func (c Client) do(ctx context.Context, method, path string) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://mom"+path, http.NoBody)
	if err != nil {
		return nil, err
	}
	by := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", c.Socket)
	}}
	resp, err := (&http.Client{Transport: by}).Do(req)
	switch {
	case errors.Is(err, os.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return nil, fmt.Errorf("%s: %w", c.Socket, ErrNotRunning)
	case errors.Is(err, os.ErrPermission):
		return nil, fmt.Errorf("%s: only the user that mom runs as may ask it", c.Socket)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", c.Socket, err)
	case resp.StatusCode == http.StatusOK:
		return resp.Body, nil
	}
	defer func() { _ = resp.Body.Close() }()
	var f fault
	if err := json.NewDecoder(io.LimitReader(resp.Body, 64<<10)).Decode(&f); err != nil || f.Error == "" {
		return nil, fmt.Errorf("%s: %s", c.Socket, resp.Status)
	}
	return nil, errors.New(f.Error)
}
