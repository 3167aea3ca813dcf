/** What of a name in ideographs without a space may be its given name; how many of them are the surname is told by the language of the text. */
export interface GivenName {
  readonly form: string;
  /** Whether it is the given name where the text is Japanese, and where it is not. */
  readonly isIn: 'japanese' | 'chinese' | 'both';
  /** Whether it may stand alone: it has two ideographs and is no word that texts have for other reasons. */
  readonly isAlone: boolean;
}

const chineseSurnames = new Set(
  (
    '欧阳 歐陽 司马 司馬 诸葛 諸葛 上官 夏侯 东方 東方 皇甫 尉迟 尉遲 公孙 公孫 慕容 令狐 司徒 司空 长孙 長孫 宇文 轩辕 軒轅 端木 独孤 獨孤 南宫 南宮 ' +
    '百里 呼延 申屠 太史 闻人 聞人 澹台 澹臺 钟离 鍾離 宗政 濮阳 濮陽 淳于 单于 單于 赫连 赫連'
  ).split(' '),
);
const japaneseSurnames = new Set(
  (
    '林 森 原 東 関 南 堀 岡 辻 星 菅 西 北 谷 牧 泉 浜 濱 平 堤 柳 秦 岸 桂 城 滝 瀧 榊 畑 乾 旭 沢 澤 島 嶋 峯 峰 椿 楠 橘 梶 樋 潮 奥 宮 湊 ' +
    '佐々木 長谷川 五十嵐 小笠原 大久保 久保田 小野寺 宇都宮 佐久間 東海林 長谷部 日下部 大和田 小山田 阿久津 波多野 曽我部 曾我部 小野田 宇佐美 ' +
    '加賀谷 長谷田 伊集院 西園寺 久保寺 古賀田 小田切 小田島 小早川 小松原 小宮山 大河内 大河原 大曽根 三田村 三ツ橋 五味渕 佐々野 我那覇 比嘉'
  ).split(' '),
);

/** Words of two ideographs that people are called, or that a name holds which is split in the wrong place. */
const words = new Set(
  (
    '建国 建國 建设 建設 国庆 國慶 和平 平和 光明 文化 文明 文学 文學 文静 海洋 永远 永遠 永久 健康 平安 幸福 快乐 快樂 美丽 美麗 未来 未來 希望 光荣 胜利 勝利 解放 ' +
    '爱国 愛國 愛国 学习 學習 学文 自强 自立 自然 自由 天然 如意 吉祥 富强 民主 创新 創新 红旗 东风 春节 春风 新年 新华 新民 中华 中國 中国 中正 大海 长江 长城 黄河 ' +
    '泰山 太平 安宁 安全 安康 安心 宁静 宝贝 宝石 珍珠 明珠 诚实 誠実 诚信 真诚 真实 真実 真理 真心 智慧 聪明 思想 思考 理想 理解 前进 前程 进步 進歩 进取 开放 开心 高兴 ' +
    '成功 成就 成果 成立 万里 千里 千秋 千歳 一心 一番 一路 一同 一部 一帆 阳光 月光 星光 曙光 朝阳 太阳 太陽 月亮 星辰 天空 大空 青空 白云 彩虹 方正 正直 正义 正義 正月 忠诚 ' +
    '忠实 信用 信義 公平 公正 主意 作家 专家 大地 大和 勇気 明白 明日 明朗 朝日 夕日 紅葉 若葉 双葉 小春 優美 優秀 賢明 元気 元旦 開発 発展 進学 学問 学生 学校 博士 ' +
    '先生 大学 大人 大事 大切 中心 中央 中身 本気 本人 本社 本部 本心 本文 本格 本当 心配 実行 実現 実力 実績 田園 山林 口実 野心 野望 村長 木材 部分 社会 会社 上司 上昇 下記 ' +
    '王国 王國 黄金 黃金 高大 高中 高远 高遠 白天 江山 江南 江海 万一 马上 馬上 关心'
  ).split(' '),
);

const longestSurname = 3;
const ideographs = /^[\u3005\u3400-\u9fff]{2,8}$/;

/** The given names that a name in ideographs may have. */
export function givenNamesOf(name: string): GivenName[] {
  if (!ideographs.test(name)) return [];
  const [japanese, chinese] = [name.slice(japaneseSurnameOf(name)), name.slice(chineseSurnames.has(name.slice(0, 2)) ? 2 : 1)];
  // A name of four is a Japanese one, or one with two surnames.
  const own = name.length === 4 && chinese.length === 3 ? name.slice(2) : chinese;
  if (japanese === own) return own === '' ? [] : [givenName(own, 'both')];
  return [givenName(japanese, 'japanese'), givenName(own, 'chinese')].filter(({ form }) => form !== '');
}

/** Whether texts have it for other reasons than somebody's name. */
export function isWord(form: string): boolean {
  return words.has(form);
}

function givenName(form: string, isIn: GivenName['isIn']): GivenName {
  return { form, isIn, isAlone: form.length > 1 && !isWord(form) };
}

/** How many ideographs a Japanese surname has: two, if it is none of the known ones with one or three. */
function japaneseSurnameOf(name: string): number {
  if (name.length > longestSurname && japaneseSurnames.has(name.slice(0, longestSurname))) return longestSurname;
  return name.length === 2 || (name.length === 3 && japaneseSurnames.has(name.charAt(0))) ? 1 : 2;
}
