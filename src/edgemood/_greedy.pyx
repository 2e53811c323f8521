# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The two loops of ranking that NumPy has no words for: scoring packed songs, and picking one after another.

Every sum has one order and no fused operations (the module is compiled so), so that all machines pick the same songs
and a plain Python twin (`tests/greedy_twin.py`) can be held to the bit. See `_greedy.pyi` for shapes.
"""

import numpy as np

from libc.math cimport sqrtf
from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uint8_t
from libc.string cimport memcpy

cdef extern from *:
    """
    typedef float em_four __attribute__((vector_size(16), aligned(4), may_alias)); /* wherever four floats lie */
    #define EM_FOUR(pointer) (*(const em_four *)(pointer))

    /* Of vectors of a multiple of eight values: eight partial sums, then added by halves. */
    static inline float em_dot(const float *a, const float *b, Py_ssize_t width) {
      em_four low = {0}, high = {0};
      for (Py_ssize_t i = 0; i < width; i += 8) {
        low += EM_FOUR(a + i) * EM_FOUR(b + i);
        high += EM_FOUR(a + i + 4) * EM_FOUR(b + i + 4);
      }
      low += high;
      return (low[0] + low[2]) + (low[1] + low[3]);
    }
    """
    float dot "em_dot"(const float *a, const float *b, Py_ssize_t width) noexcept nogil

cdef float TINY = 1e-12  # a shorter vector has no direction
cdef float ONE = 1
cdef float TWICE = 2 / (255.0 * 128)  # what probabilities are compared in: 128ths of the steps they are packed in


cdef check_range(values, Py_ssize_t end, what, Py_ssize_t start=0):
    values = np.asarray(values)
    if values.size and not start <= values.min() <= values.max() < end:
        raise IndexError(f"{what} have to lie in [{start}, {end})")


cdef inline double overlap(const uint8_t *p, const uint8_t *q, Py_ssize_t labels) noexcept nogil:
    """What two distributions in 255ths have in common: 1 all, -1 nothing."""
    cdef int common = 0
    cdef Py_ssize_t i
    for i in range(labels):
        common += p[i] if p[i] < q[i] else q[i]
    return common * 2 / 255.0 - 1


cdef inline int32_t product(const int8_t *a, const int16_t *b, Py_ssize_t width) noexcept nogil:
    cdef int32_t total = 0
    cdef Py_ssize_t i
    for i in range(width):
        total += <int32_t>a[i] * <int32_t>b[i]
    return total


cdef inline int32_t common(const uint8_t *a, const int32_t *b, Py_ssize_t width) noexcept nogil:
    cdef int32_t total = 0, share
    cdef Py_ssize_t i
    for i in range(width):
        share = <int32_t>a[i] << 7
        total += share if share < b[i] else b[i]
    return total


def inverses(const int8_t[:, ::1] vectors, const float[::1] scale, const float[::1] middle):
    """One through the distance of each vector from the middle; see the stub."""
    cdef Py_ssize_t row, i, dims = vectors.shape[1], width = (vectors.shape[1] + 7) // 8 * 8
    if not dims == scale.shape[0] == middle.shape[0] or not dims:
        raise ValueError(f"vectors of {dims} dimensions, {scale.shape[0]} steps, {middle.shape[0]} of the middle")
    result = np.empty(vectors.shape[0], np.float32)
    cdef float[::1] out = result
    cdef float[::1] seen = np.zeros(width, np.float32)
    cdef float length
    with nogil:
        for row in range(vectors.shape[0]):
            for i in range(dims):
                seen[i] = vectors[row, i] * scale[i] - middle[i]
            length = sqrtf(dot(&seen[0], &seen[0], width))
            out[row] = ONE / length if length > TINY else 0
    return result


cdef class Scorer:
    """Tells how near the songs of a shelf are to some targets. See the stub."""

    cdef const int8_t[:, ::1] vectors
    cdef const float[::1] inverse
    cdef const uint8_t[:, ::1] scores
    cdef const uint8_t[::1] labelled
    cdef const int16_t[:, ::1] directions
    cdef const float[:, ::1] terms, of_labels
    cdef const int32_t[:, ::1] shares
    cdef Py_ssize_t dims, labels, targets

    def __init__(self, vectors, inverse, scores, labelled, directions, terms, shares, of_labels):
        self.vectors, self.inverse, self.scores, self.labelled = vectors, inverse, scores, labelled
        self.directions, self.terms, self.shares, self.of_labels = directions, terms, shares, of_labels
        self.dims, self.labels, self.targets = self.vectors.shape[1], self.scores.shape[1], len(directions)
        songs = len(vectors)
        found = [array.shape for array in (inverse, scores, labelled, directions, terms, shares, of_labels)]
        due = [(songs,), (songs, self.labels), (songs,), (self.targets, self.dims), (self.targets, 3)]
        due += [(self.targets, self.labels)] * 2
        if found != due or not self.dims or not self.labels:
            raise ValueError(f"the arrays to score do not match: {found} instead of {due}")

    cdef void score(self, Py_ssize_t row, float *near) noexcept nogil:
        """How near a song is to each target, in [-1, 1]."""
        cdef const int8_t *vector = &self.vectors[row, 0]
        cdef const uint8_t *own = &self.scores[row, 0]
        cdef const float *term
        cdef Py_ssize_t i, target, label = 0
        cdef float cosine, shared
        if self.labelled[row]:
            for i in range(1, self.labels):
                label = i if own[i] > own[label] else label
        for target in range(self.targets):
            term = &self.terms[target, 0]
            if self.labelled[row] and self.of_labels[target, label] <= 1:
                cosine = self.of_labels[target, label]
            else:
                cosine = <float>product(vector, &self.directions[target, 0], self.dims) * term[1] - term[2]
                cosine = cosine * self.inverse[row]
            cosine = min(max(cosine, -ONE), ONE)
            shared = min(<float>common(own, &self.shares[target, 0], self.labels) * TWICE - ONE, ONE)
            near[target] = min(max(term[0] * cosine + (ONE - term[0]) * shared, -ONE), ONE)

    def at(self, const int64_t[::1] rows):
        """Nearness of the songs at `rows` to each target: float32 ``[targets, rows]``."""
        result = np.empty((self.targets, rows.shape[0]), np.float32)
        cdef float[:, ::1] out = result
        cdef float[::1] near = np.empty(self.targets + 1, np.float32)
        cdef Py_ssize_t i, target
        check_range(rows, self.vectors.shape[0], "rows")
        with nogil:
            for i in range(rows.shape[0]):
                self.score(rows[i], &near[0])
                for target in range(self.targets):
                    out[target, i] = near[target]
        return result

    def best(self, const uint8_t[::1] skip, offsets, Py_ssize_t size):
        """The `size` songs nearest to each target, ascending rows; see the stub."""
        cdef Py_ssize_t row, target, songs = self.vectors.shape[0]
        cdef const float[::1] added = np.empty(0, np.float32) if offsets is None else offsets
        cdef bint adds = offsets is not None
        if skip.shape[0] != songs or (adds and added.shape[0] != songs) or size < 1:
            raise ValueError(f"{songs} songs, {skip.shape[0]} to skip or not, {added.shape[0]} offsets, {size} wanted")
        size = min(size, max(songs, 1))
        cdef float[:, ::1] values = np.empty((self.targets, size), np.float32)
        rows = np.empty((self.targets, size), np.int64)
        cdef int64_t[:, ::1] kept = rows
        cdef Py_ssize_t count = 0
        cdef float[::1] near = np.empty(self.targets + 1, np.float32)
        cdef float value
        with nogil:
            for row in range(songs):
                if skip[row]:
                    continue
                self.score(row, &near[0])
                for target in range(self.targets):
                    value = near[target] + added[row] if adds else near[target]
                    if count < size:
                        rise(&values[target, 0], &kept[target, 0], count, value, row)
                    elif value > values[target, 0]:  # an equal one has the greater id
                        sink(&values[target, 0], &kept[target, 0], size, value, row)
                if count < size:
                    count += 1
        return np.unique(rows[:, :count])


cdef inline bint worse(float a, int64_t row_a, float b, int64_t row_b) noexcept nogil:
    return a < b or (a == b and row_a > row_b)


cdef void rise(float *values, int64_t *rows, Py_ssize_t place, float value, int64_t row) noexcept nogil:
    """Add to a heap of `place` entries with the worst on top."""
    cdef Py_ssize_t parent
    while place:
        parent = (place - 1) // 2
        if not worse(value, row, values[parent], rows[parent]):
            break
        values[place], rows[place] = values[parent], rows[parent]
        place = parent
    values[place], rows[place] = value, row


cdef void sink(float *values, int64_t *rows, Py_ssize_t size, float value, int64_t row) noexcept nogil:
    """Replace the worst, on top of a heap of `size` entries."""
    cdef Py_ssize_t place = 0, child
    while True:
        child = 2 * place + 1
        if child >= size:
            break
        if child + 1 < size and worse(values[child + 1], rows[child + 1], values[child], rows[child]):
            child += 1
        if not worse(values[child], rows[child], value, row):
            break
        values[place], rows[place] = values[child], rows[child]
        place = child
    values[place], rows[place] = value, row


cdef class Spacing:
    """One rule: between two songs of one key (an artist, say) lie at least `gap` others.

    Keys are numbers from 0; -1 is nobody in particular, whom the rule does not know.
    """

    cdef const int32_t[::1] keys
    cdef int64_t[::1] last, trial_last
    cdef int32_t[::1] left, trial_left
    cdef int64_t gap, free, distinct

    def __init__(self, keys, last, gap):
        check_range(keys, len(last), "keys", -1)
        self.keys, self.gap = keys, gap
        self.last = np.array(last, np.int64)
        self.left = np.bincount(keys[keys >= 0], minlength=len(last)).astype(np.int32)
        self.trial_last, self.trial_left = np.empty_like(self.last), np.empty_like(self.left)
        self.free, self.distinct = np.count_nonzero(keys < 0), np.count_nonzero(self.left)

    cdef int64_t short(self, Py_ssize_t song, int64_t now) noexcept nogil:
        """How many songs are missing between this one and the last of its key; 0: the rule holds."""
        cdef int32_t key = self.keys[song]
        if key < 0:
            return 0
        return max(0, self.gap - (now - self.last[key] - 1))

    cdef void take(self, Py_ssize_t song, int64_t now) noexcept nogil:
        cdef int32_t key = self.keys[song]
        if key < 0:
            self.free -= 1
            return
        self.left[key] -= 1
        self.last[key] = now
        if not self.left[key]:
            self.distinct -= 1

    cdef int64_t run(self, int64_t now, int64_t limit, int32_t first) noexcept nogil:
        """How many songs can follow from `now` on before the rule breaks, `limit` at most.

        first: the key that is taken at `now`, which counts; -2: any. Whoever has most songs left goes first, which no
        other order outlasts; nobody in particular goes where nobody else may.
        """
        cdef int64_t done = 0, free = self.free
        cdef Py_ssize_t key, chosen, count = self.left.shape[0]
        if not self.gap or self.distinct + free - (first != -2) >= limit + self.gap:
            return limit  # enough different keys that none has to come twice
        if count:
            memcpy(&self.trial_last[0], &self.last[0], count * sizeof(int64_t))
            memcpy(&self.trial_left[0], &self.left[0], count * sizeof(int32_t))
        while done < limit:
            chosen = -1
            if done == 0 and first != -2:
                chosen = first
            else:
                for key in range(count):
                    if self.trial_left[key] and now + done - self.trial_last[key] > self.gap:
                        if chosen < 0 or self.trial_left[key] > self.trial_left[chosen]:
                            chosen = key
            if chosen >= 0:
                self.trial_left[chosen] -= 1
                self.trial_last[chosen] = now + done
            elif free:
                free -= 1
            else:
                break
            done += 1
        return done


cdef class Picker:
    """Picks songs one after another out of a pool. See `pick` in the stub."""

    cdef const float[:, ::1] units
    cdef const uint8_t[:, ::1] scores, head, tail
    cdef double[::1] value, peak
    cdef uint8_t[::1] taken
    cdef Spacing artists, albums
    cdef uint8_t[::1] no_artist, no_album
    cdef Py_ssize_t songs, width, labels

    def __init__(self, units, scores, head, tail, Spacing artists, Spacing albums):
        self.units, self.scores, self.head, self.tail = units, scores, head, tail
        self.artists, self.albums = artists, albums
        self.songs, self.width, self.labels = self.units.shape[0], self.units.shape[1], self.scores.shape[1]
        sizes = [artists.keys.shape[0], albums.keys.shape[0]]
        sizes += [len(array) for array in (scores, head, tail)]
        if sizes != [self.songs] * 5 or self.width % 8:
            raise ValueError(f"a pool of {self.songs} songs, but {sizes}, width {self.width}")
        self.value, self.peak = np.empty(self.songs), np.full(self.songs, -np.inf)
        self.taken = np.zeros(self.songs, np.uint8)
        # One more each: the last is nobody in particular, key -1.
        self.no_artist = np.zeros(artists.left.shape[0] + 1, np.uint8)
        self.no_album = np.zeros(albums.left.shape[0] + 1, np.uint8)

    cdef Py_ssize_t at(self, Spacing rule, Py_ssize_t song) noexcept nogil:
        """Where a song's key stands among those not to take now."""
        cdef int32_t key = rule.keys[song]
        return key if key >= 0 else rule.left.shape[0]

    cdef Py_ssize_t first(self, int64_t now) noexcept nogil:
        """Of the songs that may be taken: the least break of the artist's rule, of the album's, then the most value."""
        cdef Py_ssize_t song, best = -1
        cdef int64_t short, least = 0
        for song in range(self.songs):
            if self.taken[song] or self.no_artist[self.at(self.artists, song)]:
                continue
            if self.no_album[self.at(self.albums, song)]:
                continue
            short = (self.artists.short(song, now) << 32) + self.albums.short(song, now)
            if best < 0 or short < least or (short == least and self.value[song] > self.value[best]):
                best, least = song, short
        return best

    cdef Py_ssize_t choose(self, int64_t now, int64_t left) noexcept nogil:
        """The song to take now: the `first` after which the rules can be kept for as long as before it."""
        cdef int64_t artists = self.artists.run(now, left, -2), albums = self.albums.run(now, left, -2)
        cdef Py_ssize_t song, fallback = -1, plain = self.first(now)
        self.no_artist[:] = 0
        self.no_album[:] = 0
        song = self.first(now)
        while song >= 0 and not self.artists.short(song, now):
            if self.artists.run(now, left, self.artists.keys[song]) < artists:
                self.no_artist[self.at(self.artists, song)] = 1
            elif self.albums.short(song, now):
                break
            elif self.albums.run(now, left, self.albums.keys[song]) < albums:
                fallback = song if fallback < 0 else fallback
                self.no_album[self.at(self.albums, song)] = 1
            else:
                return song
            song = self.first(now)
        if fallback >= 0:
            return fallback
        return song if song >= 0 else plain

    cdef void weigh(
        self, const float *near, const uint8_t *before, bint any_taken, double variety, double smoothness
    ) noexcept nogil:
        """The value of every song as the next one."""
        cdef Py_ssize_t song
        cdef double value
        for song in range(self.songs):
            value = (1 - variety) * near[song]
            if any_taken and variety > 0:
                value -= variety * self.peak[song]
            if before != NULL and smoothness > 0:
                value = (1 - smoothness) * value + smoothness * overlap(before, &self.head[song, 0], self.labels)
            self.value[song] = value

    cdef void remember(self, Py_ssize_t taken) noexcept nogil:
        """How like every song is to the likest of those taken."""
        cdef Py_ssize_t song
        cdef double like
        for song in range(self.songs):
            like = dot(&self.units[song, 0], &self.units[taken, 0], self.width) if self.width else 0
            like = (like + overlap(&self.scores[song, 0], &self.scores[taken, 0], self.labels)) / 2
            if like > self.peak[song]:
                self.peak[song] = like

    def run(self, const float[:, ::1] near, const int32_t[::1] steps, before, double variety, double smoothness):
        cdef Py_ssize_t step, song, count = min(steps.shape[0], self.songs)
        check_range(steps, near.shape[0], "steps")
        if near.shape[1] != self.songs:
            raise ValueError(f"nearness of {near.shape[1]} songs in a pool of {self.songs}")
        if not self.labels or (before is not None and len(before) != self.labels):
            raise ValueError(f"moods have {self.labels} labels")
        order, short = np.empty(count, np.int64), np.empty((count, 2), np.int64)
        cdef int64_t[::1] out = order
        cdef int64_t[:, ::1] missing = short
        cdef const uint8_t[::1] last
        cdef const uint8_t *edge = NULL
        if before is not None:
            last = before
            edge = &last[0]
        with nogil:
            for step in range(count):
                self.weigh(&near[steps[step], 0], edge, step > 0, variety, smoothness)
                song = self.choose(step, count - step)
                out[step] = song
                missing[step, 0], missing[step, 1] = self.artists.short(song, step), self.albums.short(song, step)
                self.artists.take(song, step)
                self.albums.take(song, step)
                self.taken[song] = 1
                edge = &self.tail[song, 0]
                if variety > 0:
                    self.remember(song)
        return order, short


def pick(near, steps, units, scores, head, tail, before, artists, albums, variety, smoothness):
    """Pick a song for each step; see the stub."""
    picker = Picker(units, scores, head, tail, Spacing(*artists), Spacing(*albums))
    return picker.run(near, steps, before, variety, smoothness)
