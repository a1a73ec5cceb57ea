// SPDX-License-Identifier: GPL-2.0
/* The terminal as a screen that is redrawn, and given back as it was */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "screen.h"
#include "util.h"

#define ALT_SCREEN_ON	"\033[?1049h\033[?25l"
#define ALT_SCREEN_OFF	"\033[?25h\033[?1049l"
#define HOME		"\033[H"
#define CLEAR_LINE	"\033[K"
#define CLEAR_BELOW	"\033[J"

static struct termios saved;
static bool is_open;
static volatile sig_atomic_t stopped;

static void on_stop(int sig)
{
	stopped = sig;
}

/* Only interrupts ppoll(), so that the new size is used at once. */
static void on_resize(int sig)
{
	(void)sig;
}

static void catch(int sig, void (*handler)(int))
{
	struct sigaction sa = { .sa_handler = handler };

	sigaction(sig, &sa, NULL);
}

/*
 * The signals are blocked but while screen_pause() waits, so none is missed
 * between a look at the flag and the wait.
 */
static void catch_signals(void)
{
	static const int stops[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(stops); i++) {
		catch(stops[i], on_stop);
		sigaddset(&set, stops[i]);
	}
	catch(SIGWINCH, on_resize);
	sigaddset(&set, SIGWINCH);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

/**
 * screen_open - take over the terminal
 *
 * Return: 0; -1 and errno.
 */
int screen_open(void)
{
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, &saved))
		return -1;
	catch_signals();
	raw = saved;
	raw.c_lflag &= ~(ICANON | ECHO);
	/* Stopped, it would leave the shell without its own screen. */
	raw.c_cc[VSUSP] = _POSIX_VDISABLE;
	if (tcsetattr(STDIN_FILENO, TCSADRAIN, &raw))
		return -1;
	is_open = true;
	atexit(screen_close);
	fputs(ALT_SCREEN_ON, stdout);
	fflush(stdout);
	return 0;
}

/** screen_close - give the terminal back; to be called in any case */
void screen_close(void)
{
	if (!is_open)
		return;
	is_open = false;
	fputs(ALT_SCREEN_OFF, stdout);
	fflush(stdout);
	tcsetattr(STDIN_FILENO, TCSADRAIN, &saved);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static bool quit_key(void)
{
	char key;
	ssize_t n = read(STDIN_FILENO, &key, 1);

	/* A terminal that has gone away reads as its end. */
	return n == 0 || (n < 0 && errno != EINTR) ||
	       (n == 1 && (key == 'q' || key == 'Q'));
}

/**
 * screen_pause - wait, but not if the user has had enough
 * @seconds: how long
 *
 * Return: is one to go on?
 */
bool screen_pause(double seconds)
{
	double end = now() + seconds;
	sigset_t none;

	sigemptyset(&none);
	while (!stopped) {
		struct pollfd pfd = { .fd = STDIN_FILENO, .events = POLLIN };
		double left = end - now();
		struct timespec ts;
		int ret;

		if (left <= 0)
			return true;
		ts.tv_sec = left;
		ts.tv_nsec = (left - ts.tv_sec) * 1e9;
		ret = ppoll(&pfd, 1, &ts, &none);
		if (ret > 0 && quit_key())
			return false;
		/* Resized: draw anew */
		if (ret < 0)
			return !stopped;
	}
	return false;
}

/**
 * screen_size - how much fits on the screen
 * @rows: gets the number of lines
 * @cols: gets their length
 */
void screen_size(size_t *rows, size_t *cols)
{
	struct winsize ws;

	*rows = 24;
	*cols = 80;
	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) && ws.ws_row && ws.ws_col) {
		*rows = ws.ws_row;
		*cols = ws.ws_col;
	}
}

/**
 * screen_show - draw
 * @text: lines that fit; what is too much at the bottom is left out
 *
 * Line by line over what is there, since an emptied screen flickers.
 */
void screen_show(const char *text)
{
	size_t rows, cols;

	screen_size(&rows, &cols);
	fputs(HOME, stdout);
	for (; *text && rows; rows--) {
		size_t len = strcspn(text, "\n");

		printf("%.*s" CLEAR_LINE, (int)len, text);
		text += len + !!text[len];
		/* A newline on the last line would scroll. */
		if (*text && rows > 1)
			fputs("\r\n", stdout);
	}
	fputs(CLEAR_BELOW, stdout);
	fflush(stdout);
}
