package io.headroom.oom;

import java.util.List;
import java.util.regex.Pattern;

/** "Cannot allocate memory", also as glibc 2.36 has it in its translations. */
final class Enomem {
    private static final List<String> ALL = List.of(
            "Cannot allocate memory",
            "Nicht genügend Hauptspeicher verfügbar",
            "Kann Speicher nicht zuweisen", // German before 2.2x
            "Ne peut allouer de la mémoire",
            "Impossible d'allouer de la mémoire",
            "No se pudo asignar memoria",
            "Impossibile allocare memoria",
            "Não foi possível alocar memória",
            "Impossível alocar memória",
            "Onvoldoende geheugen beschikbaar",
            "Kan inte allokera minne",
            "Kan ikke tildele hukommelse",
            "Kan ikke tildele minne",
            "Muistin varaaminen ei onnistu",
            "Nie można przydzielić pamięci",
            "Nelze alokovat paměť",
            "Nie je možné prideliť pamäť",
            "Nem foglalható memória",
            "Bellek ayrılamadı",
            "Невозможно выделить память",
            "Не удалось выделить память",
            "Не вдалося розподілити пам’ять",
            "无法分配内存",
            "無法配置記憶體",
            "メモリを確保できません",
            "메모리를 할당할 수 없습니다",
            "Không thể cấp phát bộ nhớ",
            "Tidak dapat mengalokasikan memori");

    private static final Pattern LOCKED = Pattern.compile("ibv_|mlock|io_uring|\\block(?:ed|ing)? memory");

    /** Of a list of the system's errors: {@code ENOMEM: Cannot allocate memory}. */
    private static final Pattern ENTRY = Pattern.compile("[\\W\\d]*ENOMEM\\W*:\\s*");

    private static final Pattern HUGE_PAGES = Pattern.compile("huge_?(?:tlb|pages?)\\b", Pattern.CASE_INSENSITIVE);
    private static final Pattern WENT_ON =
            Pattern.compile("^[\\s.,;:-]+(?:falling back|continuing|using)\\b", Pattern.CASE_INSENSITIVE);

    private Enomem() {}

    /** Whether it stands right behind the beginning. */
    static boolean stands(Region region) {
        String rest = region.readableRest().strip();
        return ALL.stream().anyMatch(rest::startsWith);
    }

    /** Python's number for it says enough, whatever the system's language. */
    static Finding numbered(Region region) {
        return Prose.isMention(region) || Prose.isCode(region) || Prose.isRemark(region)
                ? null
                : region.until("cannotallocatememory", 30).as(Backend.CPU, Wording.ERRNO_12);
    }

    /** As C's {@code perror} ends a line: {@code mmap: Cannot allocate memory}. */
    static Finding perror(Region region) {
        String before = region.source.lineBefore(region.start);
        boolean called = before.stripTrailing().endsWith(":");
        boolean other = Prose.isMention(region)
                || Prose.isAdvice(region)
                || ENTRY.matcher(before).matches()
                || HUGE_PAGES.matcher(before).find()
                || WENT_ON.matcher(region.restOfLine()).find();
        return called && Prose.endsHere(region) && !other ? unlessLocked(region) : null;
    }

    /** What may be locked into memory has a limit of its own, and running into it the same words. */
    static Finding unlessLocked(Region region) {
        return LOCKED.matcher(region.source.lineBefore(region.start)).find()
                ? region.notThis("Memory could not be locked: ulimit -l limits that; no lack of memory.")
                : region.as(Backend.CPU, Wording.ERRNO_12);
    }
}
