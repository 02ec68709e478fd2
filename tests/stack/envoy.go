package stack

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
)

const service = "envoy.service.ext_proc.v3.ExternalProcessor"

// Envoy binds port 0 and says afterwards which ports it got: a port picked beforehand could be taken by another test in between.
func (s *Stack) adminAddress(t testing.TB) (address string) {
	t.Helper()
	Until(t, 20*time.Second, "Envoy's admin address", func() error {
		if s.Envoy.Exited() {
			t.Fatalf("Envoy ended at its start:\n%s", s.Envoy.Log(t))
		}
		text, err := os.ReadFile(filepath.Join(s.Dir, "admin.address"))
		if err != nil {
			return err
		}
		if address = string(text); address == "" {
			return errors.New("empty")
		}
		return nil
	})
	return address
}

func (s *Stack) listenerURL(t testing.TB, secure *tls.Config) (url string) {
	t.Helper()
	client, scheme := http.Client{Transport: &http.Transport{TLSClientConfig: secure}}, "http"
	defer client.CloseIdleConnections()
	if secure != nil {
		scheme = "https"
	}
	Until(t, 20*time.Second, "Envoy's listener", func() error {
		text, err := s.admin("/listeners?format=json")
		if err != nil {
			return err
		}
		var list struct {
			Statuses []struct {
				Address struct {
					Socket struct {
						Port int `json:"port_value"`
					} `json:"socket_address"`
				} `json:"local_address"`
			} `json:"listener_statuses"`
		}
		if err := json.Unmarshal([]byte(text), &list); err != nil {
			return err
		}
		if len(list.Statuses) != 1 || list.Statuses[0].Address.Socket.Port == 0 {
			return fmt.Errorf("listeners %s", text)
		}
		url = scheme + "://127.0.0.1:" + strconv.Itoa(list.Statuses[0].Address.Socket.Port)
		resp, err := client.Get(url + "/healthz")
		if err != nil {
			return err
		}
		return resp.Body.Close()
	})
	return url
}

// WaitHealthy returns when Envoy's own health check has found mom.
func (s *Stack) WaitHealthy(t testing.TB) {
	t.Helper()
	Until(t, 10*time.Second, "Envoy finds mom healthy", func() error {
		if n := s.Stats(t, "^cluster.mom_router.membership_healthy$")["cluster.mom_router.membership_healthy"]; n != 1 {
			return fmt.Errorf("%d healthy hosts", n)
		}
		return nil
	})
}

// Stats are Envoy's counters and gauges whose names match the regular expression.
func (s *Stack) Stats(t testing.TB, filter string) map[string]int64 {
	t.Helper()
	text, err := s.admin("/stats?filter=" + filter)
	if err != nil {
		t.Fatal(err)
	}
	stats := map[string]int64{}
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if n, err := strconv.ParseInt(value, 10, 64); ok && err == nil {
			stats[name] = n
		}
	}
	return stats
}

func (s *Stack) admin(path string) (string, error) {
	client := http.Client{Timeout: 5 * time.Second}
	resp, err := client.Get(s.Admin + path)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: status %d", path, resp.StatusCode)
	}
	return string(text), err
}

// health asks mom itself, past Envoy.
func (s *Stack) health() error {
	conn, err := grpc.NewClient("unix://"+filepath.Join(s.Dir, Socket), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	reply, err := healthv1.NewHealthClient(conn).Check(ctx, &healthv1.HealthCheckRequest{Service: service})
	if err != nil {
		return err
	}
	if reply.Status != healthv1.HealthCheckResponse_SERVING {
		return fmt.Errorf("health %v", reply.Status)
	}
	return nil
}
