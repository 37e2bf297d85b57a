package io.headroom.oom;

import java.util.List;

/** "Cannot allocate memory" as glibc 2.36 has it in its translations. */
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

    private Enomem() {}

    /** Whether it stands right behind the beginning. */
    static boolean stands(Region region) {
        String rest = region.readableRest().strip();
        return ALL.stream().anyMatch(rest::startsWith);
    }
}
