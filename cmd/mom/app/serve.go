package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/mom-router/mom/cmd/mom/admin"
	"github.com/mom-router/mom/extproc"
	"github.com/mom-router/mom/pkg/config"
	"github.com/mom-router/mom/pkg/recall"
	"github.com/spf13/cobra"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"golang.org/x/sync/errgroup"
)

func newServe() *cobra.Command {
	var file string
	var where Places
	var drain, grace time.Duration
	c := &cobra.Command{
		Use:   "serve --config FILE",
		Short: "Serve Envoy's external processor protocol",
		Long: `Serve Envoy's external processor protocol and gRPC health on the configured socket. Health is SERVING once the models are loaded and
have passed their self-test. The configuration is read again when the file changes and on SIGHUP; a file with faults is reported and the last
good one stays in force. SIGTERM drains first, Ctrl-C does not; a second signal ends at once.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return serve(c.Context(), file, where, extproc.Shutdown{Drain: drain, Grace: grace})
		},
	}
	configFlag(c, &file)
	where.flags(c)
	c.Flags().DurationVar(&drain, "drain", 5*time.Second, "on SIGTERM, go on accepting for this long after health turned NOT_SERVING")
	c.Flags().DurationVar(&grace, "grace", 20*time.Second, "then give requests in flight this long to end")
	return c
}

func serve(parent context.Context, file string, where Places, end extproc.Shutdown) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read configuration: %w", err)
	}
	cfg, err := config.Parse(file, data)
	if err != nil {
		return err
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(extproc.GCPercent)
	}
	level := zap.NewAtomicLevel()
	log, err := newLogger(level, cfg.LogLevel)
	if err != nil {
		return err
	}
	defer func() { _ = log.Sync() }()

	// The parent ends at the first signal as well; what kind it was decides whether we drain.
	ctx, stop := context.WithCancel(context.WithoutCancel(parent))
	defer stop()
	var interrupted atomic.Bool
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer func() {
		signal.Stop(signals)
		close(signals)
	}()
	reload := make(chan struct{}, 1)
	go func() {
		for s := range signals {
			switch {
			case s == syscall.SIGHUP:
				poke(reload)
			case ctx.Err() != nil:
				log.Warn("second signal, ending at once")
				os.Exit(exitFailed)
			default:
				interrupted.Store(s == os.Interrupt)
				stop()
			}
		}
	}()

	lis, err := extproc.Listen(ctx, cfg.Listen.Network, cfg.Listen.Address)
	if err != nil {
		return err
	}
	server := extproc.NewServer(log)
	models := NewShelf(where)
	defer func() { _ = models.Close() }()

	var memory atomic.Pointer[recall.Recall] // of the configuration in force
	// passing is held while a memory is handed from one configuration to the next: what is forgotten or written down meanwhile would be the old one's.
	var passing sync.RWMutex
	use := func(g *extproc.Gateway) {
		server.Use(g)
		m, _ := g.Memory.(*recall.Recall)
		memory.Store(m)
	}
	defer func() { save(memory.Load(), log) }() // once the last answer has been remembered

	group, ctx := errgroup.WithContext(ctx)
	if cfg.Admin != "" {
		group.Go(func() error { return admin.Serve(ctx, cfg.Admin, settled(&passing, admin.Handler(memory.Load))) })
	}
	group.Go(func() error {
		often := time.NewTicker(saveEvery)
		defer often.Stop()
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-often.C:
				passing.RLock()
				save(memory.Load(), log)
				passing.RUnlock()
			}
		}
	})
	group.Go(func() error {
		return server.Serve(ctx, lis, func() extproc.Shutdown {
			if interrupted.Load() {
				return extproc.Shutdown{Grace: end.Grace}
			}
			return end
		})
	})
	group.Go(func() error {
		log.Info("starting", zap.String("version", buildVersion()), zap.Stringer("listen", cfg.Listen), zap.String("config", file))
		g, guarding, err := build(ctx, cfg, models, log)
		if err != nil {
			if ctx.Err() != nil {
				return nil //nolint:nilerr // stopped while the models were loading
			}
			return err
		}
		use(g)
		log.Info("ready", counts(cfg, guarding)...)
		warnOpen(log, cfg)
		return watch(ctx, file, data, log, reload, func() error {
			next, err := config.Load(file)
			if err != nil {
				return err
			}
			if next.Listen != cfg.Listen {
				log.Warn("listen changes only with a restart", zap.Stringer("listen", cfg.Listen))
			}
			if next.Admin != cfg.Admin {
				log.Warn("admin.socket changes only with a restart", zap.String("socket", cfg.Admin))
			}
			passing.Lock()
			defer passing.Unlock()
			save(memory.Load(), log) // for the next generation, if nothing changed that it is bound to
			g, guarding, err := build(ctx, next, models, log)
			if err != nil {
				return err
			}
			if err := setLevel(level, next.LogLevel); err != nil {
				return err
			}
			use(g)
			log.Info("configuration reloaded", counts(next, guarding)...)
			warnOpen(log, next)
			return nil
		})
	})
	return group.Wait()
}

// settled has requests that change something wait while a memory is handed on. Others only look, and one that reads slowly must not hold up a configuration.
func settled(passing *sync.RWMutex, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.Method == http.MethodPost {
			passing.RLock()
			defer passing.RUnlock()
		}
		h.ServeHTTP(w, q)
	})
}

// counts says in the log what is served: how many models and decisions, which guards, and how many forward passes of them a request may need.
func counts(cfg *config.Config, g *guards) []zap.Field {
	return []zap.Field{
		zap.Int("models", len(cfg.Models)), zap.Int("decisions", len(cfg.Decisions)), zap.Strings("guards", g.names), zap.Int("guard_windows", g.windows),
		zap.String("output", cfg.Guard.Output),
	}
}

// warnOpen says what lets requests through unread.
func warnOpen(log *zap.Logger, cfg *config.Config) {
	switch {
	case !cfg.Guard.On():
		log.Warn("nothing is guarded: no request is read for attacks or personal data")
	case cfg.Guard.Jailbreak.Action != "off" && cfg.Guard.Jailbreak.FailOpen, cfg.Guard.PII.Policy != "off" && cfg.Guard.PII.FailOpen:
		log.Warn("fail_mode is open: when a guard fails, requests pass unread")
	}
}

// settle is how long the file must be left alone before it is read: editors and ConfigMap updates come as several events.
const settle = 200 * time.Millisecond

// watch calls load when the file no longer reads like before, or when reload is poked, until ctx ends. A load that fails is logged, and all stays
// as it was.
func watch(ctx context.Context, file string, before []byte, log *zap.Logger, reload <-chan struct{}, load func() error) error {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("watch %s: %w", file, err)
	}
	defer func() { _ = w.Close() }()
	// The folder, not the file: a ConfigMap or an editor puts a new file in its place, and the watch on the old one would go with it.
	if err := w.Add(filepath.Dir(file)); err != nil {
		return fmt.Errorf("watch %s: %w", file, err)
	}
	quiet := time.NewTimer(settle) // the first look is for a change that came while the models were loading
	for {
		select {
		case <-ctx.Done():
			return nil
		case e := <-w.Events:
			// Other files of the folder, a log perhaps, must not put the reload off for ever. A ConfigMap swaps the link ..data.
			if name := filepath.Base(e.Name); name == filepath.Base(file) || name == "..data" {
				quiet.Reset(settle)
			}
			continue
		case err := <-w.Errors:
			log.Warn("watching the configuration", zap.Error(err))
			continue
		case <-quiet.C:
			now, err := os.ReadFile(file)
			if err == nil && bytes.Equal(now, before) {
				continue // another file of the folder, or touched without a change
			}
			before = now
		case <-reload:
			before, _ = os.ReadFile(file)
		}
		if err := load(); err != nil {
			var faults config.Faults
			if errors.As(err, &faults) {
				for _, f := range faults {
					log.Error("configuration not reloaded", zap.String("fault", f.String()))
				}
				continue
			}
			log.Error("configuration not reloaded", zap.Error(err))
		}
	}
}

// poke leaves a note that something is to be done, once.
func poke(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func newLogger(level zap.AtomicLevel, name string) (*zap.Logger, error) {
	if err := setLevel(level, name); err != nil {
		return nil, err
	}
	c := zap.NewProductionConfig() // JSON on stderr, sampled
	c.Level = level
	c.DisableStacktrace = true
	c.EncoderConfig.TimeKey, c.EncoderConfig.EncodeTime = "time", zapcore.RFC3339NanoTimeEncoder
	log, err := c.Build()
	if err != nil {
		return nil, fmt.Errorf("open the log: %w", err)
	}
	return log, nil
}

func setLevel(level zap.AtomicLevel, name string) error {
	if err := level.UnmarshalText([]byte(name)); err != nil {
		return fmt.Errorf("log level: %w", err)
	}
	return nil
}
